//! A limit for a group or a currency that no instrument is of: allowed, for instruments may come, and most often
//! a slip of the finger.

use gateway::voice::remark;
use portcullis_client::{Client, ClientError};
use wire::{Query, QueryWhat, Reply, Scope, Selector, SetLimit, Text};

/// Instruments that are asked about, one by one: few, because a session's messages have a budget. Of a firm with
/// more nothing is said.
const INSTRUMENTS_MAX: usize = 200;

/// Says on stderr that a limit, in force since `engine_seq`, applies to no instrument. That it could not be found
/// out is no failure: the limit is in force.
pub(super) fn warn(client: &mut Client, set: &SetLimit, engine_seq: u64) {
    let of = match set.selector {
        Selector::Group => format!("of group {}", set.selector_id),
        Selector::Currency => format!("in {}", Text::<4>(set.selector_id.to_le_bytes())),
        _ => return,
    };
    if is_idle(client, set, engine_seq).unwrap_or(false) {
        remark(format_args!(
            "portcullis: no instrument is {of} (yet): the limit refuses nothing"
        ));
    }
}

/// Whether no instrument shows the limit among those that apply to it.
fn is_idle(client: &mut Client, set: &SetLimit, engine_seq: u64) -> Result<bool, ClientError> {
    let states = client.query(Query {
        what: QueryWhat::States,
        scope: Scope::Instrument,
        scope_id: u32::MAX,
        instrument_id: u32::MAX,
        ..Query::default()
    })?;
    if states.len() > INSTRUMENTS_MAX {
        return Ok(false);
    }
    for state in states {
        let Reply::StateReport(state) = state else {
            continue;
        };
        let limits = client.query(Query {
            what: QueryWhat::Limits,
            min_engine_seq: engine_seq,
            scope: set.scope,
            scope_id: set.scope_id,
            instrument_id: state.scope_id,
            ..Query::default()
        })?;
        let applies = limits.iter().any(|reply| {
            let Reply::LimitReport(limit) = reply else {
                return false;
            };
            (limit.limit_kind, limit.selector, limit.selector_id)
                == (set.limit_kind, set.selector, set.selector_id)
        });
        if applies {
            return Ok(false);
        }
    }
    Ok(true)
}
