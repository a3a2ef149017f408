//! The follower's answers: pages, filters, and who sees what.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod pipeline_kit;

use engine::command::{Command, DefineDesk, Entitle, Sequenced, SessionUp, Started};
use engine::decision::{Decision, Outbox, Outcome, Outgoing};
use engine::firm::Firm;
use engine::follower::Follower;
use engine::risk::RiskEngine;
use pipeline_kit::NOW;
use wire::{
    Capacity, DefineAccount, E8, Flag, NewOrder, OrdType, Price, Qty, Query, QueryWhat, Reply,
    Scope, Side, StateReport, Text, Time, TimeInForce,
};

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

/// Two desks with an account each, two instruments in groups of their own, and in each pair of them a live order.
const TRADING: &str = r#"[firm]
name = "Small"
instance = "small"
base_currency = "USD"
two_person = false
[capacity]
orders = 64
rows = 64
executions = 64
[[desks]]
id = 1
name = "One"
[[desks]]
id = 2
name = "Two"
[[accounts]]
id = 1
name = "A"
desk = 1
suspense = true
[[accounts]]
id = 2
name = "B"
desk = 2
[[traders]]
id = 7
name = "T"
[[instruments]]
id = 1
symbol = "ACME"
tick = 0.01
lot = 1
venue = 1
group = 3
currency = "USD"
reference = 100
mark = 100
[[instruments]]
id = 2
symbol = "EURO"
tick = 0.01
lot = 1
venue = 1
group = 4
currency = "USD"
reference = 100
mark = 100
[[sessions]]
id = 1
name = "desk"
role = "desk"
topology = "sidecar"
accounts = [1, 2]
traders = [7]
key_file = "keys/desk.pub"
[[sessions]]
id = 2
name = "risk"
role = "risk"
key_file = "keys/risk.pub"
"#;

/// Kinds that must be said, by the firm for all instruments; C9 besides by account 1 for one group and one instrument.
fn trading() -> Follower {
    let said = [
        "MaxOrderQty",
        "MaxOrderNotional",
        "PriceCollar",
        "OrderRate",
        "MaxLong",
        "MaxShort",
        "GrossNotional",
    ];
    let mut text = TRADING.to_owned();
    for kind in said {
        text +=
            &format!("[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"unlimited\"\n");
    }
    for selector in ["group:3", "instrument:EURO"] {
        text += &format!(
            "[[limits]]\nscope = \"account:1\"\nselector = \"{selector}\"\nkind = \"MaxLong\"\nvalue = \"9\"\n"
        );
    }
    let firm = Firm::parse("firm.toml", &text).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut commands: Vec<(u32, Command)> = Vec::new();
    commands.extend(firm.genesis(Time(NOW)).into_iter().map(|c| (0, c)));
    let started = Started {
        epoch: 1,
        ack: 1,
        ..Started::default()
    };
    commands.push((0, started.into()));
    commands.extend(firm.first_day(20_260_105).into_iter().map(|c| (0, c)));
    let up = SessionUp {
        session_id: 1,
        ..SessionUp::default()
    };
    commands.push((0, up.into()));
    for (cl_ord_id, (account, instrument_id)) in (1..).zip([(1, 1), (1, 2), (2, 1), (2, 2)]) {
        let order = NewOrder {
            cl_ord_id,
            price: Price(100 * E8),
            qty: Qty(E8),
            account,
            instrument_id,
            trader_id: 7,
            side: Side::Buy,
            ord_type: OrdType::Limit,
            tif: TimeInForce::Day,
            capacity: Capacity::Agency,
            ..NewOrder::default()
        };
        commands.push((1, order.into()));
    }
    let (mut engine, mut outbox) = (RiskEngine::new(), Outbox::new());
    let mut follower = Follower::new();
    for (seq, (session_id, command)) in (1..).zip(commands) {
        let input = Sequenced {
            session_id,
            in_seq_no: if session_id == 0 { 0 } else { seq },
            ..input(seq, command)
        };
        let decision = engine.apply(&input, &mut outbox);
        assert_eq!(decision.code, 0, "{command:?}");
        follower.replay(&input, &decision).unwrap();
    }
    follower
}

#[test]
fn open_orders_are_those_of_the_scope_that_is_asked_for() {
    let follower = trading();
    let orders = |scope: Scope, scope_id: u32, instrument_id: u32| -> Vec<(u32, u32)> {
        let query = Query {
            what: QueryWhat::OpenOrders,
            scope,
            scope_id,
            instrument_id,
            ..Query::default()
        };
        ask(&follower, 2, query)
            .iter()
            .filter_map(|answer| {
                if let Reply::OpenOrderReport(order) = answer.reply {
                    Some((order.account, order.instrument_id))
                } else {
                    None
                }
            })
            .collect()
    };
    const ANY: u32 = u32::MAX;
    let all = [(1, 1), (1, 2), (2, 1), (2, 2)];
    assert_eq!(orders(Scope::NULL, ANY, ANY), all);
    assert_eq!(orders(Scope::Firm, ANY, ANY), all);
    assert_eq!(orders(Scope::Firm, 0, 2), [(1, 2), (2, 2)]);
    assert_eq!(orders(Scope::Desk, 2, ANY), [(2, 1), (2, 2)]);
    assert_eq!(orders(Scope::Desk, ANY, 1), [(1, 1), (2, 1)]);
    assert_eq!(orders(Scope::Desk, 9, ANY), []);
    assert_eq!(orders(Scope::Account, 1, ANY), [(1, 1), (1, 2)]);
    assert_eq!(orders(Scope::Trader, 7, ANY), all);
    assert_eq!(orders(Scope::Trader, 8, ANY), []);
    assert_eq!(orders(Scope::Instrument, 2, ANY), [(1, 2), (2, 2)]);
    assert_eq!(orders(Scope::Instrument, 2, 1), []);
    // Without a kind of scope, of any scope with that id.
    assert_eq!(orders(Scope::NULL, 7, ANY), all);
    assert_eq!(orders(Scope::NULL, 9, ANY), []);
}

#[test]
fn limits_and_states_are_those_that_apply_to_the_instrument_that_is_asked_for() {
    let follower = trading();
    let rows = |what: QueryWhat, instrument_id: u32| -> Vec<(Scope, u32)> {
        let query = Query {
            what,
            instrument_id,
            ..Query::default()
        };
        ask(&follower, 2, query)
            .iter()
            .filter_map(|answer| {
                if let Reply::StateReport(state) = answer.reply {
                    Some((state.scope, state.scope_id))
                } else if let Reply::LimitReport(limit) = answer.reply
                    && limit.scope == Scope::Account
                {
                    Some((Scope::Account, limit.selector_id))
                } else {
                    None
                }
            })
            .collect()
    };
    assert_eq!(rows(QueryWhat::Limits, 1), [(Scope::Account, 3)]);
    assert_eq!(rows(QueryWhat::Limits, 2), [(Scope::Account, 2)]);
    assert_eq!(rows(QueryWhat::Limits, 5), []);
    assert_eq!(rows(QueryWhat::States, 2), [(Scope::Instrument, 2)]);
}
