//! The follower's answers: pages, filters, and who sees what.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::command::{Command, DefineDesk, Entitle, Sequenced};
use engine::decision::{Decision, Outbox, Outcome, Outgoing};
use engine::follower::Follower;
use engine::risk::RiskEngine;
use pipeline_kit::NOW;
use wire::{DefineAccount, Flag, Query, QueryWhat, Reply, Scope, StateReport, Text};

/// A firm with one desk and accounts 1 to 5, of which session 101 has 2 and 4.
fn follower() -> Follower {
    let mut commands = pipeline_kit::genesis();
    commands.push(Command::DefineDesk(DefineDesk {
        desk_id: 1,
        name: Text::new("Desk"),
    }));
    for account in 1..=5 {
        commands.push(Command::DefineAccount(DefineAccount {
            account,
            desk_id: 1,
            self_match_off: Flag::No,
            suspense: Flag::No,
            name: Text::new("Account"),
            ..DefineAccount::default()
        }));
    }
    for account in [2, 4] {
        commands.push(Command::Entitle(Entitle {
            session_id: 101,
            account,
            allow: Flag::Yes,
            ..Entitle::default()
        }));
    }
    let (mut engine, mut outbox) = (RiskEngine::new(), Outbox::new());
    let mut follower = Follower::new();
    for (seq, command) in (1..).zip(commands) {
        let input = input(seq, command);
        let decision = engine.apply(&input, &mut outbox);
        assert_eq!(decision.outcome, Outcome::Applied, "{command:?}");
        follower.replay(&input, &decision).unwrap();
    }
    follower
}

fn input(seq: u64, command: Command) -> Sequenced {
    Sequenced {
        seq,
        t: NOW,
        session_id: 0,
        in_seq_no: 0,
        busy: false,
        command,
    }
}

fn states(answers: &[Outgoing]) -> Vec<(Scope, u32)> {
    answers
        .iter()
        .filter_map(|answer| {
            if let Reply::StateReport(StateReport {
                scope, scope_id, ..
            }) = answer.reply
            {
                Some((scope, scope_id))
            } else {
                None
            }
        })
        .collect()
}

fn ask(follower: &Follower, session_id: u32, query: Query) -> Vec<Outgoing> {
    let mut answers = Vec::new();
    follower.answer(session_id, &query, &mut answers);
    answers
}

fn end_of(answers: &[Outgoing]) -> (u64, u32, u16) {
    match answers.last().map(|answer| answer.reply) {
        Some(Reply::AdminAck(end)) => (end.cursor, end.count, end.code),
        other => panic!("a page ends with AdminAck, not {other:?}"),
    }
}

#[test]
fn a_desk_sees_its_accounts_and_the_firm_and_a_risk_manager_sees_all() {
    let follower = follower();
    let query = Query {
        request_id: 7,
        what: QueryWhat::States,
        ..Query::default()
    };
    let desk = ask(&follower, 101, query);
    let seen = states(&desk);
    let accounts: Vec<u32> = seen
        .iter()
        .filter(|(scope, _)| *scope == Scope::Account)
        .map(|(_, id)| *id)
        .collect();
    assert_eq!(accounts, [2, 4]);
    assert!(seen.iter().any(|(scope, _)| *scope == Scope::Firm));
    assert!(!seen.iter().any(|(scope, _)| *scope == Scope::Desk));
    assert!(desk.iter().all(|answer| {
        answer.session_id == 101
            && answer.reply.seq_no() == 0
            && answer.reply.engine_seq() == follower.seq()
    }));
    let all = states(&ask(&follower, 1, query));
    let accounts = all.iter().filter(|(scope, _)| *scope == Scope::Account);
    assert_eq!(accounts.count(), 5);
    assert!(all.contains(&(Scope::Desk, 1)));
}

#[test]
fn a_desk_sees_only_its_own_session() {
    let follower = follower();
    let query = Query {
        what: QueryWhat::Sessions,
        ..Query::default()
    };
    assert_eq!(end_of(&ask(&follower, 101, query)), (0, 1, 0));
    assert_eq!(end_of(&ask(&follower, 1, query)), (0, 3, 0));
}

#[test]
fn pages_follow_each_other_by_their_cursors_without_gap_or_repetition() {
    let follower = follower();
    let whole = Query {
        scope: Scope::Account,
        what: QueryWhat::States,
        ..Query::default()
    };
    let mut paged = Vec::new();
    let mut cursor = 0;
    let mut pages = 0;
    loop {
        let answers = ask(
            &follower,
            1,
            Query {
                cursor,
                max_rows: 2,
                ..whole
            },
        );
        paged.extend(states(&answers));
        pages += 1;
        let (next, count, code) = end_of(&answers);
        assert_eq!(
            (usize::try_from(count).unwrap(), code),
            (answers.len() - 1, 0)
        );
        if next == 0 {
            break;
        }
        cursor = next;
    }
    assert_eq!(pages, 3);
    assert_eq!(paged, states(&ask(&follower, 1, whole)));
    let one = Query {
        scope_id: 3,
        ..whole
    };
    assert_eq!(states(&ask(&follower, 1, one)), [(Scope::Account, 3)]);
}

#[test]
fn a_decision_that_differs_from_the_journal_is_named_by_its_sequence() {
    let mut follower = follower();
    let next = follower.seq() + 1;
    let desk = Command::DefineDesk(DefineDesk {
        desk_id: 2,
        ..DefineDesk::default()
    });
    let difference = follower
        .apply(
            &input(next, desk),
            &Decision::of(Outcome::Refused),
            &mut Vec::new(),
        )
        .unwrap_err();
    assert_eq!(difference.seq, next);
    assert_eq!(difference.decided.outcome, Outcome::Applied);
}
