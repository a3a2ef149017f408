//! A firm under test: the engine, the clock, and the names that a scenario gives to things.
//!
//! [`World::apply`] is the only caller of the engine: it numbers the command, checks the invariants and
//! keeps the record, so that [`World::replay`] can prove that the same history gives the same state.

use super::text::whole;
use engine::command::{Command, Sequenced};
use engine::decision::{Decision, Outbox, Outcome, Outgoing};
use engine::record::{MAX_RECORD, decode_record, encode_record};
use engine::risk::RiskEngine;
use std::collections::BTreeMap;
use wire::{Scope, Selector, Side, Text};

/// 2026-01-05 09:00:00 UTC, when a scenario begins.
pub(super) const START: u64 = 1_767_603_600_000_000_000;

/// A sequenced message of a session, or a record of the server's own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sender {
    /// Session; 0 for the server.
    pub(super) session: u32,
    /// Sequence number, where not the next one.
    pub(super) seq_no: Option<u64>,
    /// Whether there is too little room downstream.
    pub(super) busy: bool,
}

/// An order, replace or cancel that has a name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    pub(super) session: u32,
    pub(super) cl_ord_id: u64,
    pub(super) account: u32,
    pub(super) instrument: u32,
    pub(super) side: Side,
    pub(super) trader: u16,
}

/// Everything a scenario works with.
#[derive(Debug)]
pub(super) struct World {
    pub(super) engine: RiskEngine,
    outbox: Outbox,
    seq: u64,
    /// The clock, nanoseconds.
    pub(super) t: u64,
    /// Next inbound sequence number of a session.
    next_in: BTreeMap<u32, u64>,
    /// Next clOrdId of a session.
    pub(super) next_id: BTreeMap<u32, u64>,
    /// Next execution id that was not chosen.
    pub(super) next_exec: u64,
    pub(super) next_request: u64,
    /// Name → order, replace or cancel.
    pub(super) named: BTreeMap<String, Named>,
    /// orderId → name.
    pub(super) orders: BTreeMap<u64, String>,
    /// Symbol → instrument.
    pub(super) symbols: BTreeMap<String, u32>,
    /// Name → session.
    pub(super) sessions: BTreeMap<String, u32>,
    /// Messages that the last command caused.
    pub(super) sent: Vec<Outgoing>,
    journal: Vec<(Sequenced, Decision)>,
    /// Risk digest that a scenario asked to remember.
    pub(super) remembered: [u8; 32],
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            seq: 0,
            t: START,
            next_in: BTreeMap::new(),
            next_id: BTreeMap::new(),
            next_exec: 0,
            next_request: 1,
            named: BTreeMap::new(),
            orders: BTreeMap::new(),
            symbols: BTreeMap::new(),
            sessions: BTreeMap::new(),
            sent: Vec::new(),
            journal: Vec::new(),
            remembered: [0; 32],
        }
    }

    /// The only caller of the engine.
    pub(super) fn apply(&mut self, from: Sender, mut command: Command) -> Decision {
        self.seq += 1;
        let in_seq_no = if from.session == 0 {
            0
        } else {
            let next = self.next_in.entry(from.session).or_insert(1);
            let number = from.seq_no.unwrap_or(*next);
            *next = (*next).max(number + 1);
            number
        };
        if let Some(request) = request_id(&mut command) {
            *request = self.next_request;
            self.next_request += 1;
        }
        let input = Sequenced {
            seq: self.seq,
            t: self.t,
            session_id: from.session,
            in_seq_no,
            busy: from.busy,
            command,
        };
        let decision = self.engine.apply(&input, &mut self.outbox);
        self.sent = self.outbox.items().to_vec();
        self.engine.check_invariants();
        if let Command::NewOrder(order) = command
            && decision.outcome == Outcome::Accepted
        {
            let name = self.name_of(from.session, order.cl_ord_id);
            self.orders.insert(decision.order_id, name);
        }
        self.journal.push((input, decision));
        decision
    }

    /// The name of a clOrdId of a session.
    pub(super) fn name_of(&self, session: u32, cl_ord_id: u64) -> String {
        self.named
            .iter()
            .find(|(_, named)| (named.session, named.cl_ord_id) == (session, cl_ord_id))
            .map_or_else(|| format!("#{cl_ord_id}"), |(name, _)| name.clone())
    }

    /// R33: every record survives its bytes, and a fresh engine fed with them decides the same, says the
    /// same, and ends with the same digests.
    pub(super) fn replay(&self) -> Result<RiskEngine, String> {
        let (mut engine, mut outbox) = (RiskEngine::new(), Outbox::new());
        let mut bytes = [0; MAX_RECORD];
        for (input, decision) in &self.journal {
            let len = encode_record(input, decision, &mut bytes);
            let (again, known) = decode_record(&bytes[..len]).map_err(|e| e.to_string())?;
            if again != *input || known != *decision {
                return Err(format!("record {} changed in its bytes", input.seq));
            }
            if engine.apply(&again, &mut outbox) != *decision {
                return Err(format!("record {} was decided differently", input.seq));
            }
        }
        if outbox.items() != self.outbox.items() {
            return Err("the last command said something else in the replay".to_owned());
        }
        let same = engine.risk_digest() == self.engine.risk_digest()
            && engine.session_digest() == self.engine.session_digest();
        same.then_some(engine)
            .ok_or_else(|| "the replay ended with other digests".to_owned())
    }

    /// Session id of a name or `#number`; `server` is the server itself.
    pub(super) fn session(&self, text: &str) -> Result<u32, String> {
        if text == "server" {
            return Ok(0);
        }
        if let Some(number) = text.strip_prefix('#') {
            return whole(number);
        }
        let found = self.sessions.get(text).copied();
        found.ok_or_else(|| format!("there is no session {text}"))
    }

    /// Instrument id of a symbol or number.
    pub(super) fn instrument(&self, text: &str) -> Result<u32, String> {
        match self.symbols.get(text) {
            Some(id) => Ok(*id),
            None => whole(text).map_err(|_| format!("there is no instrument {text}")),
        }
    }

    /// Symbol of an instrument id.
    pub(super) fn symbol(&self, id: u32) -> String {
        self.symbols
            .iter()
            .find(|(_, known)| **known == id)
            .map_or_else(|| format!("instrument {id}"), |(symbol, _)| symbol.clone())
    }

    /// `firm`, `account 1`, `desk 1`, `trader 7`, `instrument ACME`.
    pub(super) fn scope(&self, words: &mut super::text::Words) -> Result<(Scope, u32), String> {
        Ok(match words.next("the scope")?.as_str() {
            "firm" => (Scope::Firm, 0),
            "account" => (Scope::Account, whole(&words.next("the account")?)?),
            "desk" => (Scope::Desk, whole(&words.next("the desk")?)?),
            "trader" => (Scope::Trader, whole(&words.next("the trader")?)?),
            "instrument" => (
                Scope::Instrument,
                self.instrument(&words.next("the instrument")?)?,
            ),
            other => return Err(format!("{other} is not a scope")),
        })
    }

    /// `all`, `group 1`, `currency EUR`, or an instrument.
    pub(super) fn selector(
        &self,
        words: &mut super::text::Words,
    ) -> Result<(Selector, u32), String> {
        Ok(match words.next("the selector")?.as_str() {
            "all" => (Selector::All, 0),
            "group" => (Selector::Group, whole(&words.next("the group")?)?),
            "currency" => {
                let code = Text::<4>::new(&words.next("the currency")?);
                (Selector::Currency, u32::from_le_bytes(code.0))
            }
            symbol => (Selector::Instrument, self.instrument(symbol)?),
        })
    }

    /// The words for a scope.
    pub(super) fn scope_words(&self, scope: Scope, id: u32) -> String {
        match scope {
            Scope::Firm => "firm".to_owned(),
            Scope::Account => format!("account {id}"),
            Scope::Desk => format!("desk {id}"),
            Scope::Trader => format!("trader {id}"),
            Scope::Instrument => format!("instrument {}", self.symbol(id)),
            _ => "nowhere".to_owned(),
        }
    }

    /// The words for a selector.
    pub(super) fn selector_words(&self, selector: Selector, id: u32) -> String {
        match selector {
            Selector::Instrument => self.symbol(id),
            Selector::Group => format!("group {id}"),
            Selector::All => "all".to_owned(),
            _ => format!("currency {}", Text::<4>(id.to_le_bytes())),
        }
    }
}

/// The place of a risk or operations request's id, where the scenario left it open.
fn request_id(command: &mut Command) -> Option<&mut u64> {
    let place = if let Command::SetLimit(m) = command {
        &mut m.request_id
    } else if let Command::SetState(m) = command {
        &mut m.request_id
    } else if let Command::Reconcile(m) = command {
        &mut m.request_id
    } else {
        return None;
    };
    (*place == 0).then_some(place)
}
