//! The file against the state that the journal holds.
//!
//! After the first start the journal is the truth. What the file says otherwise is listed here, each
//! difference with the command that would apply it; nothing is applied by itself. Prices and rates of
//! the file are first values only: a difference there is reported only where the state has none. Opening
//! positions, locates and cash belong to the first business date alone and are not compared.

use super::{Firm, set_mark, set_reference};
use crate::command::{Command, DefineSession, Entitle};
use crate::risk::RiskEngine;
use crate::text::{limit_text, value_form};
use crate::view::{LimitView, SessionView};
use wire::{Flag, Scope, Selector, SetLimit, Text, Time};

/// One difference between file and state.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What differs, in one line: `firm MaxOrderQty all: 1000 in the journal, 2000 in the file`.
    pub line: String,
    /// What would make the state as the file says; `None` where no command can.
    pub command: Option<Command>,
}

/// All differences, in the order of the genesis commands. `now` becomes the time of first prices.
#[must_use]
pub fn differences(firm: &Firm, engine: &RiskEngine, now: Time) -> Vec<Difference> {
    let mut out = Vec::new();
    firm_itself(firm, engine, &mut out);
    capacity(firm, engine, &mut out);
    currencies(firm, engine, now, &mut out);
    instruments(firm, engine, now, &mut out);
    tree(firm, engine, &mut out);
    sessions(firm, engine, &mut out);
    limits(firm, engine, &mut out);
    // Last: the changes of this file are judged as the journal says.
    two_person(firm, engine, &mut out);
    out
}

fn say(out: &mut Vec<Difference>, line: String, command: impl Into<Option<Command>>) {
    out.push(Difference {
        line,
        command: command.into(),
    });
}

fn firm_itself(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let Some(view) = engine.firm() else { return };
    let file = &firm.definitions.firm;
    for (what, journal, file) in [
        ("name", view.name.as_str(), file.name.as_str()),
        ("instance", view.instance.as_str(), file.instance.as_str()),
        (
            "base_currency",
            view.base_currency.as_str(),
            file.base_currency.as_str(),
        ),
    ] {
        if journal != file {
            let line = format!(
                "[firm] {what}: `{journal}` in the journal, `{file}` in the file; fixed since the first start"
            );
            say(out, line, None);
        }
    }
}

/// Tables have the size that the first start gave them.
fn capacity(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let journal = engine.table_sizes().into_iter().flatten();
    for ((name, journal), (_, file)) in journal.zip(firm.definitions.firm.table_sizes()) {
        if journal != file {
            let line = format!(
                "[capacity] {name}: {journal} in the journal, {file} in the file; fixed since the first start"
            );
            say(out, line, None);
        }
    }
}

fn two_person(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let file = firm.definitions.firm.two_person;
    let Some(journal) = engine.firm().map(|view| view.two_person) else {
        return;
    };
    if journal != (file == Flag::Yes) {
        let line = format!(
            "[firm] two_person: {journal} in the journal, {} in the file",
            !journal
        );
        let switch = wire::SetTwoPerson {
            on: file,
            reason: Text::new("configuration"),
            ..wire::SetTwoPerson::default()
        };
        say(out, line, Command::from(switch));
    }
}

fn currencies(firm: &Firm, engine: &RiskEngine, now: Time, out: &mut Vec<Difference>) {
    for (define, fx) in &firm.definitions.currencies {
        let code = define.currency.as_str();
        let known = engine.currencies().find(|view| view.currency == code);
        let max_age = (define.max_age_ns != u64::MAX).then_some(define.max_age_ns);
        match &known {
            None => say(
                out,
                format!("currency {code}: only in the file"),
                Command::from(*define),
            ),
            Some(view) if view.max_age_ns != max_age => {
                let text =
                    |age: Option<u64>| age.map_or("never".to_owned(), |ns| format!("{ns} ns"));
                let line = format!(
                    "currency {code} max_age: {} in the journal, {} in the file",
                    text(view.max_age_ns),
                    text(max_age)
                );
                say(out, line, Command::from(*define));
            }
            Some(_) => {}
        }
        if known.is_none_or(|view| view.rate.is_none()) {
            let first = wire::SetFx {
                rate_time: now,
                ..*fx
            };
            say(
                out,
                format!("currency {code} rate: only in the file"),
                Command::from(first),
            );
        }
    }
}

fn instruments(firm: &Firm, engine: &RiskEngine, now: Time, out: &mut Vec<Difference>) {
    for (define, reference, mark) in &firm.definitions.instruments {
        let (id, symbol) = (define.instrument_id, define.symbol);
        let known = engine
            .instruments()
            .find(|view| view.definition.instrument_id == id);
        // Who defined it, and under which number, is not part of what is defined.
        let definition = known.as_ref().map(|view| wire::DefineInstrument {
            flags: 0,
            seq_no: 0,
            request_id: 0,
            ..view.definition
        });
        match definition {
            None => say(
                out,
                format!("instrument {id} {symbol}: only in the file"),
                Command::from(*define),
            ),
            Some(journal) if journal != *define => {
                let line = format!("instrument {id} {symbol}: its definition differs");
                say(out, line, Command::from(*define));
            }
            Some(_) => {}
        }
        if let (Some(price), true) = (
            reference,
            known.as_ref().is_none_or(|v| v.reference.is_none()),
        ) {
            let line = format!("instrument {id} {symbol} reference: only in the file");
            say(out, line, set_reference(id, *price, now));
        }
        if let (Some(price), true) = (mark, known.as_ref().is_none_or(|v| v.mark.is_none())) {
            let line = format!("instrument {id} {symbol} mark: only in the file");
            say(out, line, set_mark(id, *price));
        }
    }
    for view in engine.instruments() {
        let (id, symbol) = (view.definition.instrument_id, view.definition.symbol);
        let in_file = &firm.definitions.instruments;
        if !in_file
            .iter()
            .any(|(define, ..)| define.instrument_id == id)
        {
            let line = format!(
                "instrument {id} {symbol}: only in the journal; it can't be removed, and `portcullis state set instrument:{id} \
                 Halted --reason TEXT` stops it"
            );
            say(out, line, None);
        }
    }
}

fn tree(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let of = &firm.definitions;
    let desks = of
        .desks
        .iter()
        .map(|c| (Scope::Desk, c.desk_id, c.name, Command::from(*c)));
    let accounts = of
        .accounts
        .iter()
        .map(|c| (Scope::Account, c.account, c.name, Command::from(*c)));
    let traders = of.traders.iter().map(|c| {
        (
            Scope::Trader,
            u32::from(c.trader_id),
            c.name,
            Command::from(*c),
        )
    });
    let file: Vec<(Scope, u32, Text<24>, Command)> = desks.chain(accounts).chain(traders).collect();
    let known: Vec<(Scope, u32)> = engine
        .states()
        .map(|view| (view.scope, view.scope_id))
        .collect();
    for (scope, id, name, command) in &file {
        if !known.contains(&(*scope, *id)) {
            say(
                out,
                format!("{} {id} {name}: only in the file", word(*scope)),
                *command,
            );
        }
    }
    for (desk_id, account) in engine.accounts() {
        let moved = of
            .accounts
            .iter()
            .find(|c| c.account == account && c.desk_id != desk_id);
        if let Some(define) = moved {
            let (name, to) = (define.name, define.desk_id);
            let line = format!(
                "account {account} {name}: of desk {desk_id} in the journal, of desk {to} in the file"
            );
            say(out, line, Command::from(*define));
        }
    }
    for define in &of.accounts {
        let file = (define.self_match_group, define.self_match_off == Flag::Yes);
        let Some(journal) = engine.self_match(define.account).filter(|j| *j != file) else {
            continue;
        };
        let text = |(group, off): (u32, bool)| match (off, group) {
            (true, _) => "off".to_owned(),
            (false, 0) => "within the account".to_owned(),
            (false, group) => format!("within group {group}"),
        };
        let line = format!(
            "account {} {} self_match: {} in the journal, {} in the file",
            define.account,
            define.name,
            text(journal),
            text(file)
        );
        say(out, line, Command::from(*define));
    }
    for (scope, id) in known {
        let in_tree = matches!(scope, Scope::Desk | Scope::Account | Scope::Trader);
        if in_tree && !file.iter().any(|(s, i, ..)| (*s, *i) == (scope, id)) {
            let line = format!(
                "{0} {id}: only in the journal; it can't be removed, and `portcullis state set {0}:{id} Halted \
                 --reason TEXT` stops it",
                word(scope)
            );
            say(out, line, None);
        }
    }
}

/// Sessions whose key is another in the file, and nothing else: keys are the file's, so that they can be
/// changed and revoked by it alone, and the journal keeps which were in force.
#[must_use]
pub fn changed_keys(firm: &Firm, engine: &RiskEngine) -> Vec<DefineSession> {
    let known: Vec<SessionView> = engine.sessions().collect();
    let of = |id| known.iter().find(move |view| view.session_id == id);
    firm.definitions
        .sessions
        .iter()
        .filter(|define| of(define.session_id).is_some_and(|view| is_same(view, define, true)))
        .filter(|define| !of(define.session_id).is_some_and(|view| is_same(view, define, false)))
        .copied()
        .collect()
}

/// Whether a session is as the file says, with or without its key.
fn is_same(view: &SessionView, define: &DefineSession, but_for_the_key: bool) -> bool {
    view.name == define.name.as_str()
        && view.role == define.role
        && (view.topology == define.topology || define.topology.is_null())
        && view.venue_id == define.venue_id
        && view.person == define.person.as_str()
        && (but_for_the_key
            || (view.key_id == define.key_id && view.public_key == define.public_key.as_str()))
}

fn sessions(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let of = &firm.definitions;
    for define in &of.sessions {
        let (id, name) = (define.session_id, define.name);
        let known = engine.sessions().find(|view| view.session_id == id);
        match &known {
            None => say(
                out,
                format!("session {id} {name}: only in the file"),
                Command::from(*define),
            ),
            Some(view) if !is_same(view, define, false) => {
                let line = format!(
                    "session {id} {name}: its role, topology, venue, key or person differs"
                );
                say(out, line, Command::from(*define));
            }
            Some(_) => {}
        }
        let wanted = of
            .entitlements
            .iter()
            .filter(|e| e.session_id == id && e.account != u32::MAX);
        let wanted: Vec<u32> = wanted.map(|e| e.account).collect();
        let granted: Vec<u32> = engine.entitled_accounts(id).collect();
        let entitle = |account, allow| {
            Command::Entitle(Entitle {
                session_id: id,
                account,
                allow,
                ..Entitle::default()
            })
        };
        for account in wanted.iter().filter(|account| !granted.contains(account)) {
            let line = format!("session {id} {name} account {account}: only in the file");
            say(out, line, entitle(*account, Flag::Yes));
        }
        for account in granted.iter().filter(|account| !wanted.contains(account)) {
            let line = format!("session {id} {name} account {account}: only in the journal");
            say(out, line, entitle(*account, Flag::No));
        }
    }
    for view in engine.sessions() {
        if !of
            .sessions
            .iter()
            .any(|define| define.session_id == view.session_id)
        {
            let (id, name) = (view.session_id, &view.name);
            let line = format!(
                "session {id} {name}: only in the journal; it can't be removed, and while the file has no key for \
                 it nobody can log on as it"
            );
            say(out, line, None);
        }
    }
}

fn limits(firm: &Firm, engine: &RiskEngine, out: &mut Vec<Difference>) {
    let known: Vec<LimitView> = engine.limits().collect();
    for set in &firm.definitions.limits {
        let view = known.iter().find(|view| {
            (view.scope, view.scope_id, view.kind) == (set.scope, set.scope_id, set.limit_kind)
                && (view.selector, view.selector_id) == (set.selector, set.selector_id)
        });
        let file = limit_text(value_form(set.limit_kind, set.unit), set.value);
        let Some(view) = view else {
            say(
                out,
                format!("{}: only in the file, {file}", name_of_set(set)),
                Command::from(*set),
            );
            continue;
        };
        // A temporary value covers the permanent one, which is what the file speaks of.
        if view.expires_at != 0 || as_set(view).value == i64::MIN || same_limit(view, set) {
            continue;
        }
        let journal = limit_text(value_form(view.kind, view.unit), view.value);
        let line = if journal == file {
            format!(
                "{}: {file} in both; unit, window, mode or warn levels differ",
                name_of_set(set)
            )
        } else {
            format!(
                "{}: {journal} in the journal, {file} in the file",
                name_of_set(set)
            )
        };
        let command = SetLimit {
            expected_version: view.version,
            ..*set
        };
        say(out, line, Command::from(command));
    }
    for view in &known {
        let in_file = firm.definitions.limits.iter().any(|set| {
            (view.scope, view.scope_id, view.kind) == (set.scope, set.scope_id, set.limit_kind)
                && (view.selector, view.selector_id) == (set.selector, set.selector_id)
        });
        if !in_file {
            let remove = SetLimit {
                value: i64::MIN,
                expected_version: view.version,
                ..as_set(view)
            };
            let journal = limit_text(value_form(view.kind, view.unit), view.value);
            let line = format!("{}: only in the journal, {journal}", name_of_set(&remove));
            say(out, line, Command::from(remove));
        }
    }
}

fn as_set(view: &LimitView) -> SetLimit {
    let [warn1, warn2, warn3] = view.warn;
    SetLimit {
        value: view.value,
        window_ns: view.window_ns,
        scope_id: view.scope_id,
        selector_id: view.selector_id,
        scope: view.scope,
        limit_kind: view.kind,
        selector: view.selector,
        unit: view.unit,
        mode: view.mode,
        warn1,
        warn2,
        warn3,
        reason: Text::new("configuration"),
        ..SetLimit::default()
    }
}

/// Warn levels of 0 in the file mean the usual ones, whatever those are.
fn same_limit(view: &LimitView, set: &SetLimit) -> bool {
    let warn = [set.warn1, set.warn2, set.warn3];
    (view.value, view.unit, view.window_ns, view.mode)
        == (set.value, set.unit, set.window_ns, set.mode)
        && (warn == [0; 3] || warn == view.warn)
}

fn word(scope: Scope) -> String {
    scope.name().to_ascii_lowercase()
}

fn name_of_set(set: &SetLimit) -> String {
    let scope = match set.scope {
        Scope::Firm => "firm".to_owned(),
        scope => format!("{} {}", word(scope), set.scope_id),
    };
    let selector = match set.selector {
        Selector::All => "all".to_owned(),
        selector => format!(
            "{} {}",
            selector.name().to_ascii_lowercase(),
            set.selector_id
        ),
    };
    format!("limit {} of {scope}, {selector}", set.limit_kind)
}
