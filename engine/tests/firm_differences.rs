//! A firm's file against the engine that was founded by it.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should stop"
)]

use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outbox, Outcome};
use engine::firm::{EXAMPLE, Firm, auto_day, differences};
use engine::risk::RiskEngine;
use wire::{Price, SetLimit, SetReference, Time};

const T: u64 = 1_790_000_000_000_000_000;

struct Journal {
    engine: RiskEngine,
    outbox: Outbox,
    seq: u64,
}

impl Journal {
    fn founded_by(firm: &Firm) -> Self {
        let mut journal = Self {
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            seq: 0,
        };
        for command in firm
            .genesis(Time(T))
            .into_iter()
            .chain(auto_day(20_261_122))
        {
            let decision = journal.apply(command);
            assert_eq!(
                decision.outcome,
                Outcome::Applied,
                "{command:?}: {decision:?}"
            );
        }
        journal
    }

    fn apply(&mut self, command: Command) -> Decision {
        self.seq += 1;
        let input = Sequenced {
            seq: self.seq,
            t: T + self.seq,
            session_id: 0,
            in_seq_no: 0,
            busy: false,
            command,
        };
        self.outbox.clear();
        self.engine.apply(&input, &mut self.outbox)
    }
}

fn with_keys(mut firm: Firm) -> Firm {
    for file in firm.key_files.clone() {
        firm.set_public_key(file.session_id, &format!("{:064x}", file.session_id))
            .unwrap();
    }
    firm
}

fn example() -> Firm {
    with_keys(Firm::example())
}

fn changed(from: &str, to: &str) -> Firm {
    let text = EXAMPLE.replacen(from, to, 1);
    assert_ne!(text, EXAMPLE, "{from} is not there");
    with_keys(Firm::parse("changed.toml", &text).unwrap_or_else(|mistakes| panic!("{mistakes}")))
}

#[test]
fn every_genesis_command_of_the_example_takes_effect_and_the_day_opens() {
    let journal = Journal::founded_by(&example());
    let firm = journal.engine.firm().unwrap();
    assert!(firm.ready && firm.business_date == 20_261_122);
    assert!(!firm.two_person);
}

#[test]
fn a_firm_does_not_differ_from_the_journal_it_founded() {
    let firm = example();
    let journal = Journal::founded_by(&firm);
    assert_eq!(differences(&firm, &journal.engine, Time(T)), []);
}

#[test]
fn prices_that_the_feed_moved_are_no_difference() {
    let firm = example();
    let mut journal = Journal::founded_by(&firm);
    journal.apply(Command::SetReference(SetReference {
        price: Price(1),
        feed_time: Time(T),
        instrument_id: 1,
        ..SetReference::default()
    }));
    assert_eq!(differences(&firm, &journal.engine, Time(T)), []);
}

#[test]
fn each_difference_is_told_in_a_line_and_gone_once_its_command_is_applied() {
    for (from, to, says) in [
        (
            "value = \"100000\"\n",
            "value = \"90000\"\n",
            "limit MaxOrderQty of firm, all: 100000 in the journal, 90000 in the file",
        ),
        (
            "value = \"10%\"",
            "value = \"20 ticks\"",
            "limit PriceCollar of firm, all: 1000 bps in the journal, 20 ticks in the file",
        ),
        (
            "per = \"1s\"",
            "per = \"2s\"",
            "limit OrderRate of firm, all: 100000 in both; unit, window, mode or warn levels differ",
        ),
        (
            "[[limits]]\nscope = \"firm\"\nkind = \"NetLong\"\nvalue = \"1_500_000_000\"\n",
            "",
            "limit NetLong of firm, all: only in the journal, 1500000000",
        ),
        (
            "[[limits]]\n",
            "[[limits]]\nscope = \"account:1\"\nkind = \"MaxLong\"\nvalue = 5\n[[limits]]\n",
            "limit MaxLong of account 1, all: only in the file, 5",
        ),
        (
            "tick = 0.01",
            "tick = 0.05",
            "instrument 1 AAPL: its definition differs",
        ),
        (
            "[[desks]]\n",
            "[[desks]]\nid = 3\nname = \"New\"\n[[desks]]\n",
            "desk 3 New: only in the file",
        ),
        (
            "name = \"EQ-INDEX\"\ndesk = 1",
            "name = \"EQ-INDEX\"\ndesk = 2",
            "account 3 EQ-INDEX: of desk 1 in the journal, of desk 2 in the file",
        ),
        (
            "self_match_group = 1\n",
            "self_match = \"off\"\n",
            "account 5 ARB-TWO self_match: within group 1 in the journal, off in the file",
        ),
        (
            "average_daily_volume = 15_000_000",
            "average_daily_volume = 16_000_000",
            "instrument 1 AAPL: its definition differs",
        ),
        (
            "halt = true\n",
            "",
            "limit DailyLoss of firm, all: 100000000 in both; unit, window, mode or warn levels differ",
        ),
        (
            "mode = \"shadow\"\n",
            "",
            "limit ReferenceMaxAge of firm, all: 3600000000000 ns in both; unit, window, mode or warn levels differ",
        ),
        (
            "accounts = [1, 2, 3]",
            "accounts = [1, 2]",
            "session 1 desk1 account 3: only in the journal",
        ),
        (
            "accounts = [4, 5]",
            "accounts = [4, 5, 99]",
            "session 2 desk2 account 99: only in the file",
        ),
        (
            "topology = \"sidecar\"",
            "topology = \"inline\"",
            "session 2 desk2: its role, topology, venue, key or person differs",
        ),
        (
            "max_age = \"30d\"",
            "max_age = \"1d\"",
            "currency EUR max_age: 2592000000000000 ns in the journal, 86400000000000 ns in the file",
        ),
    ] {
        let mut journal = Journal::founded_by(&example());
        let firm = changed(from, to);
        let found = differences(&firm, &journal.engine, Time(T));
        let lines: Vec<_> = found
            .iter()
            .map(|difference| difference.line.as_str())
            .collect();
        assert_eq!(lines, [says]);
        let decision = journal.apply(found[0].command.unwrap());
        assert_eq!(decision.outcome, Outcome::Applied, "{says}: {decision:?}");
        assert_eq!(differences(&firm, &journal.engine, Time(T)), [], "{says}");
    }
}

#[test]
fn a_limit_changed_live_is_told_with_the_version_it_would_be_changed_back_from() {
    let firm = example();
    let mut journal = Journal::founded_by(&firm);
    let limit = firm
        .genesis(Time(T))
        .into_iter()
        .find_map(|command| match command {
            Command::SetLimit(set) => Some(set),
            _ => None,
        });
    let live = SetLimit {
        value: 5,
        expected_version: 1,
        ..limit.unwrap()
    };
    assert_eq!(
        journal.apply(Command::SetLimit(live)).outcome,
        Outcome::Applied
    );
    let found = differences(&firm, &journal.engine, Time(T));
    assert_eq!(found.len(), 1);
    let Some(Command::SetLimit(back)) = found[0].command else {
        panic!("{found:?}")
    };
    assert_eq!(back.expected_version, 2);
}

#[test]
fn what_no_command_can_change_is_told_without_one() {
    for (from, to, says) in [
        (
            "name = \"Example Firm\"",
            "name = \"Other Firm\"",
            "[firm] name: `Example Firm` in the journal, `Other Firm` in the file",
        ),
        (
            "orders = 262144",
            "orders = 1000",
            "[capacity] orders: 262144 in the journal, 1000 in the file; fixed since the first start",
        ),
        (
            "[[traders]]\nid = 2\nname = \"Index algorithm\"\n",
            "",
            "trader 2: only in the journal; it can't be removed, and `portcullis state set trader:2 Halted \
             --reason TEXT` stops it",
        ),
    ] {
        let journal = Journal::founded_by(&example());
        let text = EXAMPLE
            .replacen(from, to, 1)
            .replace("traders = [1, 2]", "traders = [1]");
        let firm = with_keys(Firm::parse("changed.toml", &text).unwrap());
        let found = differences(&firm, &journal.engine, Time(T));
        assert!(
            found[0].line.starts_with(says) && found[0].command.is_none(),
            "{found:?}"
        );
    }
}
