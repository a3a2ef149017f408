//! Two people to loosen: proposals and what is said to them.

use super::admin;
use super::say;
use super::text::{Words, duration, in_duration, whole};
use super::world::World;
use engine::command::Command;
use engine::view::ProposalView;
use wire::{ApprovalAction, Approve, Flag, ProposalKind, Propose, Scope, SetTwoPerson, Text, Time};

/// `propose limit …`, `propose state …` as without `propose`; `propose account N desk N`;
/// `propose single-person`. `lapses DURATION` says when it ends, `because WORDS` why.
pub(super) fn propose(world: &World, words: &mut Words) -> Result<Command, String> {
    let lapses = words.named("lapses")?;
    let because = words.named("because")?;
    let expires_at = match lapses {
        Some(text) => world.t + duration(&text)?,
        None => 0,
    };
    let base = Propose {
        expires_at: Time(expires_at),
        reason: Text::new(because.as_deref().unwrap_or("scenario")),
        ..Propose::default()
    };
    let change = match words.next("what to propose")?.as_str() {
        "limit" => {
            let Command::SetLimit(m) = admin::limit(world, words)? else {
                return Err("that is not a limit".to_owned());
            };
            Propose {
                what: ProposalKind::Limit,
                value: m.value,
                window_ns: m.window_ns,
                limit_expires_at: m.expires_at,
                expected_version: m.expected_version,
                scope: m.scope,
                scope_id: m.scope_id,
                limit_kind: m.limit_kind,
                selector: m.selector,
                selector_id: m.selector_id,
                unit: m.unit,
                mode: m.mode,
                ..base
            }
        }
        "state" => {
            let Command::SetState(m) = admin::state(world, words)? else {
                return Err("that is not a state".to_owned());
            };
            Propose {
                what: ProposalKind::State,
                expected_version: m.expected_version,
                scope: m.scope,
                scope_id: m.scope_id,
                state: m.state,
                ..base
            }
        }
        "account" => Propose {
            what: ProposalKind::Move,
            scope: Scope::Account,
            scope_id: whole(&words.next("the account")?)?,
            desk_id: words.number("desk")?.ok_or("which desk?")?,
            ..base
        },
        "single-person" => Propose {
            what: ProposalKind::SinglePerson,
            ..base
        },
        other => return Err(format!("{other} can't be proposed")),
    };
    Ok(change.into())
}

/// `approve N` or `drop N`, `because WORDS`.
pub(super) fn approve(verb: &str, words: &mut Words) -> Result<Command, String> {
    let because = words.named("because")?;
    Ok(Approve {
        proposal_id: whole(&words.next("the number")?)?,
        action: if verb == "approve" {
            ApprovalAction::Approve
        } else {
            ApprovalAction::Withdraw
        },
        reason: Text::new(because.as_deref().unwrap_or("scenario")),
        ..Approve::default()
    }
    .into())
}

/// `two-person on|off`
pub(super) fn two_person(words: &mut Words) -> Result<Command, String> {
    let on = words.next("on or off")? == "on";
    Ok(SetTwoPerson {
        on: if on { Flag::Yes } else { Flag::No },
        reason: Text::new("scenario"),
        ..SetTwoPerson::default()
    }
    .into())
}

/// One proposal, in a line.
pub(super) fn words_of(world: &World, proposal: &ProposalView) -> String {
    let m = &proposal.change;
    let place = || world.scope_words(m.scope, m.scope_id);
    let change = match m.what {
        ProposalKind::Limit => format!(
            "{} {} {} {}",
            place(),
            m.limit_kind,
            world.selector_words(m.selector, m.selector_id),
            say::value(m.limit_kind, m.value)
        ),
        ProposalKind::State => format!("{} {}", place(), m.state),
        ProposalKind::Move => format!("{} to desk {}", place(), m.desk_id),
        _ => "one person suffices".to_owned(),
    };
    let left = in_duration(proposal.expires_at.saturating_sub(world.t));
    let (id, by, why) = (proposal.id, &proposal.person, m.reason);
    format!("{id}: {change}, by {by}, because {why}, for {left} more")
}
