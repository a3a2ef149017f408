//! A limit for a group or a currency that no instrument is of: allowed, for instruments may come, and most often
//! a slip of the finger.

use crate::cli::failure::Failure;
use gateway::voice::remark;
use portcullis_client::Client;
use wire::{Query, QueryWhat, Reply, Scope, Selector, SetLimit, Text};

/// Instruments that are asked about, one by one; a firm with more is told nothing.
const INSTRUMENTS_MAX: usize = 1_000;

/// Says on stderr that a limit, in force since `engine_seq`, applies to no instrument.
pub(super) fn warn(client: &mut Client, set: &SetLimit, engine_seq: u64) -> Result<(), Failure> {
    let of = match set.selector {
        Selector::Group => format!("of group {}", set.selector_id),
        Selector::Currency => format!("in {}", Text::<4>(set.selector_id.to_le_bytes())),
        _ => return Ok(()),
    };
    let states = Query {
        what: QueryWhat::States,
        scope: Scope::Instrument,
        scope_id: u32::MAX,
        instrument_id: u32::MAX,
        ..Query::default()
    };
    let instruments: Vec<u32> = client
        .query(states)?
        .iter()
        .filter_map(|reply| match reply {
            Reply::StateReport(report) => Some(report.scope_id),
            _ => None,
        })
        .collect();
    if instruments.len() > INSTRUMENTS_MAX {
        return Ok(());
    }
    for instrument_id in instruments {
        let limits = client.query(Query {
            what: QueryWhat::Limits,
            min_engine_seq: engine_seq,
            scope: set.scope,
            scope_id: set.scope_id,
            instrument_id,
            ..Query::default()
        })?;
        let applies = limits.iter().any(|reply| match reply {
            Reply::LimitReport(r) => {
                (r.limit_kind, r.selector, r.selector_id)
                    == (set.limit_kind, set.selector, set.selector_id)
            }
            _ => false,
        });
        if applies {
            return Ok(());
        }
    }
    remark(format_args!(
        "portcullis: no instrument is {of} (yet): the limit refuses nothing"
    ));
    Ok(())
}
