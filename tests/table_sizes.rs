//! What the tables of `[capacity]` take is known before any of it is taken.

use engine::command::{Command, DefineFirm, Sequenced};
use engine::decision::{Outbox, Outcome};
use engine::risk::RiskEngine;
use wire::{Flag, Text};

/// Bytes that an engine of this firm takes at its genesis and for the room that it makes then.
fn taken(firm: DefineFirm) -> u64 {
    let mut engine = RiskEngine::new();
    let mut out = Outbox::new();
    let genesis = Sequenced {
        seq: 1,
        t: 1,
        session_id: 0,
        in_seq_no: 0,
        busy: false,
        command: Command::DefineFirm(firm),
    };
    let info = allocation_counter::measure(|| {
        let decision = engine.apply(&genesis, &mut out);
        assert_eq!(decision.outcome, Outcome::Applied, "{firm:?}");
        engine.make_room();
    });
    info.bytes_max
}

#[test]
fn the_tables_take_what_the_firm_says_beforehand() {
    let small = DefineFirm {
        instance: Text::new("sizes"),
        name: Text::new("Sizes"),
        base_currency: Text::new("USD"),
        accounts: 1_024,
        instruments: 1_024,
        orders: 1_024,
        rows: 1_024,
        executions: 1_024,
        limits: 1_024,
        sessions: 64,
        two_person: Flag::No,
        ..DefineFirm::default()
    };
    let mut firms = vec![small];
    // Indexes have sizes of powers of two: just before and behind a step, and just behind the next.
    for many in [196_608, 196_609, 262_144, 262_145] {
        firms.extend([
            DefineFirm {
                accounts: many,
                ..small
            },
            DefineFirm {
                instruments: many,
                ..small
            },
            DefineFirm {
                orders: many,
                ..small
            },
            DefineFirm {
                rows: many,
                ..small
            },
            DefineFirm {
                executions: many,
                ..small
            },
            DefineFirm {
                limits: many,
                ..small
            },
            DefineFirm {
                sessions: many.min(DefineFirm::LARGEST.sessions),
                ..small
            },
        ]);
    }
    for firm in firms {
        let (taken, said) = (taken(firm), firm.table_bytes());
        assert!(
            (said / 5 * 4..=said).contains(&taken),
            "{taken} bytes taken, {said} said, at most a fifth less: {firm:?}"
        );
    }
}
