//! The firm as a file: TOML to the commands that found it.
//!
//! What decides (the tree, instruments, limits, permissions, sessions, capacities) becomes commands and
//! is journalled at the first start; directories, addresses and threads stay in the file alone
//! ([`ProcessConfig`]). Decimals become integers here, exactly or not at all. A wrong file is answered
//! with all its mistakes at once, each with its place and the way out. Nothing here opens a file: text
//! goes in, and key files are named for the server to read.

mod differences;
mod limits;
mod market;
mod mistake;
mod opening;
mod people;
mod process;
mod rehearsal;
mod section;
pub mod value;

pub use differences::{Difference, changed_keys, differences};
pub use mistake::{Mistake, Mistakes};
pub use process::{Ack, DayOpening, Memory, ProcessConfig, SessionLimits, Threads, TlsPaths};
pub use rehearsal::Refusal;
pub use value::{parse_decimal, parse_duration, parse_limit_value, parse_size};

use crate::command::{
    Command, DefineCurrency, DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle,
};
use limits::Names;
use mistake::Notes;
use opening::Opening;
use section::Section;
use toml::de::DeTable;
use wire::{
    DayOpen, DefineAccount, DefineInstrument, Flag, Permit, PositionLoad, Price, Qty, Role, SetFx,
    SetLimit, SetMark, SetReference, Text, Time,
};

/// The example firm's file, for people to copy.
pub const EXAMPLE: &str = include_str!("firm/example.toml");

/// Pairs of sessions that may propose and approve, and count as two people.
pub fn pairs_of_people(
    sessions: &[DefineSession],
) -> impl Iterator<Item = (&DefineSession, &DefineSession)> {
    let may = |session: &&DefineSession| matches!(session.role, Role::Risk | Role::Ops);
    let ones = sessions.iter().enumerate().filter(move |(_, one)| may(one));
    ones.flat_map(move |(at, one)| {
        let others = sessions.iter().skip(at.saturating_add(1)).filter(may);
        others
            .filter(|other| !people::is_one_person(one, other))
            .map(move |other| (one, other))
    })
}

/// A firm as its file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Firm {
    /// What lives in the file alone.
    pub process: ProcessConfig,
    /// Sessions whose public key stands in a file of its own: see [`Firm::set_public_key`].
    pub key_files: Vec<KeyFile>,
    definitions: Definitions,
}

/// Where the public key of a session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// The session.
    pub session_id: u32,
    /// Its name.
    pub name: String,
    /// As the file says; relative to the data directory.
    pub path: std::path::PathBuf,
}

/// What the file defines, section by section.
#[derive(Debug, Clone, PartialEq, Default)]
struct Definitions {
    firm: DefineFirm,
    currencies: Vec<(DefineCurrency, SetFx)>,
    instruments: Vec<(DefineInstrument, Option<Price>, Option<Price>)>,
    desks: Vec<DefineDesk>,
    accounts: Vec<DefineAccount>,
    traders: Vec<DefineTrader>,
    sessions: Vec<DefineSession>,
    entitlements: Vec<Entitle>,
    permits: Vec<Permit>,
    limits: Vec<SetLimit>,
    opening: Opening,
}

/// A public key that is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It has another form.
    #[error("the public key of session {0} is not 64 hexadecimal digits")]
    NotHex(u32),
    /// The firm has no such session.
    #[error("the firm has no session {0}")]
    UnknownSession(u32),
}

impl Firm {
    /// The example firm: what `serve` starts without a file. Its keys are still to be set.
    ///
    /// # Panics
    /// Never: the file is part of the build and a test reads it.
    #[must_use]
    pub fn example() -> Self {
        match Self::parse("example.toml", EXAMPLE) {
            Ok(firm) => firm,
            Err(mistakes) => panic!("the example firm is part of the build: {mistakes}"),
        }
    }

    /// Reads a firm from the text of its file; `file` is the name that mistakes carry.
    ///
    /// # Errors
    /// All mistakes of the file, in the order of their places.
    pub fn parse(file: &str, text: &str) -> Result<Self, Mistakes> {
        let notes = Notes::new(text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let span = error.span().unwrap_or(0..0);
            notes.add(span, "TOML", error.message(), "");
        }
        // What is no TOML can't be judged any further: guesses would only add noise.
        let firm = if errors.is_empty() {
            read(&Section::root(&notes, root.get_ref()))
        } else {
            None
        };
        match (notes.into_mistakes(file), firm) {
            (None, Some(firm)) => Ok(firm),
            (Some(mistakes), _) => Err(mistakes),
            (None, None) => Err(Mistakes {
                file: file.to_owned(),
                list: Vec::new(),
            }),
        }
    }

    /// The commands that found the firm, in the order in which they must enter. `now` becomes the time
    /// of the first rates and reference prices.
    #[must_use]
    pub fn genesis(&self, now: Time) -> Vec<Command> {
        let of = &self.definitions;
        let mut out: Vec<Command> = vec![of.firm.into()];
        out.extend(
            of.currencies
                .iter()
                .map(|(define, _)| Command::from(*define)),
        );
        out.extend(of.currencies.iter().map(|(_, fx)| {
            Command::from(SetFx {
                rate_time: now,
                ..*fx
            })
        }));
        out.extend(
            of.instruments
                .iter()
                .map(|(define, ..)| Command::from(*define)),
        );
        for (define, reference, _) in &of.instruments {
            out.extend(reference.map(|price| set_reference(define.instrument_id, price, now)));
        }
        for (define, _, mark) in &of.instruments {
            out.extend(mark.map(|price| set_mark(define.instrument_id, price)));
        }
        out.extend(of.desks.iter().map(|c| Command::from(*c)));
        out.extend(of.accounts.iter().map(|c| Command::from(*c)));
        out.extend(of.traders.iter().map(|c| Command::from(*c)));
        out.extend(of.sessions.iter().map(|c| Command::from(*c)));
        out.extend(of.entitlements.iter().map(|c| Command::from(*c)));
        out.extend(of.permits.iter().map(|c| Command::from(*c)));
        out.extend(of.limits.iter().map(|c| Command::from(*c)));
        out
    }

    /// The commands that open the firm's first business date: positions, locates and cash of the file,
    /// then the open. Later dates have what the journal holds and what ops load; see [`auto_day`].
    #[must_use]
    pub fn first_day(&self, date: u32) -> Vec<Command> {
        let mut out = self.definitions.opening.commands(date);
        out.extend(auto_day(date));
        out
    }

    /// The sessions of the firm.
    #[must_use]
    pub fn sessions(&self) -> &[DefineSession] {
        &self.definitions.sessions
    }

    /// Name of the instance that clients sign.
    #[must_use]
    pub fn instance(&self) -> &str {
        self.definitions.firm.instance.as_str()
    }

    /// Name of the firm.
    #[must_use]
    pub fn name(&self) -> &str {
        self.definitions.firm.name.as_str()
    }

    /// Whether loosening a control takes two people.
    #[must_use]
    pub fn two_person(&self) -> bool {
        self.definitions.firm.two_person == Flag::Yes
    }

    /// Bytes that the tables of `[capacity]` take at most; a server has them twice, one copy for its follower.
    #[must_use]
    pub const fn table_bytes(&self) -> u64 {
        self.definitions.firm.table_bytes()
    }

    /// How many of each the file defines, as `(what, count)` in the order of the file's sections.
    #[must_use]
    pub fn counts(&self) -> [(&'static str, usize); 7] {
        let of = &self.definitions;
        [
            ("desks", of.desks.len()),
            ("accounts", of.accounts.len()),
            ("traders", of.traders.len()),
            ("instruments", of.instruments.len()),
            ("limits", of.limits.len()),
            ("permissions", of.permits.len()),
            ("sessions", of.sessions.len()),
        ]
    }

    /// Whether loosening takes two people, and fewer have sessions of role risk.
    #[must_use]
    pub fn lacks_two_people(&self) -> bool {
        self.two_person() && !people::has_two(&self.definitions.sessions, people::is_one_person)
    }

    /// Has the people that sessions stand for from those in force.
    pub fn keep_people_of(&mut self, in_force: &[DefineSession]) {
        for session in &mut self.definitions.sessions {
            let known = in_force
                .iter()
                .find(|one| one.session_id == session.session_id);
            session.person = known.map_or(session.person, |one| one.person);
        }
    }

    /// Sets the public key of a session that names a key file.
    ///
    /// # Errors
    /// [`KeyProblem`] if the key has another form or the session does not exist.
    pub fn set_public_key(&mut self, session_id: u32, hex: &str) -> Result<(), KeyProblem> {
        let hex = hex.trim();
        if !people::is_public_key(hex) {
            return Err(KeyProblem::NotHex(session_id));
        }
        let session = self
            .definitions
            .sessions
            .iter_mut()
            .find(|session| session.session_id == session_id)
            .ok_or(KeyProblem::UnknownSession(session_id))?;
        session.public_key = Text::new(&hex.to_ascii_lowercase());
        Ok(())
    }

    /// Sets the number of a session's key.
    pub fn set_key_id(&mut self, session_id: u32, key_id: u32) {
        for session in &mut self.definitions.sessions {
            if session.session_id == session_id {
                session.key_id = key_id;
            }
        }
    }
}

/// The commands that open a business date where nobody loads positions: an empty load, then the open.
///
/// `date` is YYYYMMDD. The batch is named by the date, so that saying it twice has no effect.
#[must_use]
pub fn auto_day(date: u32) -> Vec<Command> {
    vec![
        Command::PositionLoad(PositionLoad {
            batch_id: date.into(),
            qty: Qty::NULL,
            business_date: date,
            last: Flag::Yes,
            ..PositionLoad::default()
        }),
        Command::DayOpen(DayOpen {
            business_date: date,
            ..DayOpen::default()
        }),
    ]
}

fn set_reference(instrument_id: u32, price: Price, feed_time: Time) -> Command {
    Command::SetReference(SetReference {
        price,
        feed_time,
        instrument_id,
        ..SetReference::default()
    })
}

fn set_mark(instrument_id: u32, price: Price) -> Command {
    Command::SetMark(SetMark {
        price,
        instrument_id,
        ..SetMark::default()
    })
}

fn read(root: &Section<'_>) -> Option<Firm> {
    let firm = people::firm(root);
    let base = firm.as_ref().map(|firm| firm.base_currency);
    let currencies = market::currencies(root, base);
    let known = currencies
        .iter()
        .map(|(define, _)| define.currency)
        .chain(base);
    let known: Vec<_> = known.collect();
    let instruments = market::instruments(root, base, &known);
    let desks = people::desks(root);
    let accounts = people::accounts(root, &desks);
    let traders = people::traders(root);
    let (sessions, entitlements, key_files) = people::sessions(root, &accounts, &traders);
    people::two_people(root, firm.as_ref(), &sessions, &key_files);
    let names = Names::of(&desks, &accounts, &traders, &instruments, &known);
    let permits = limits::permissions(root, &names);
    let set_limits = limits::limits(root, &names);
    let opening = opening::read(root, &names);
    let process = process::read(root);
    root.finish();
    Some(Firm {
        process,
        key_files,
        definitions: Definitions {
            firm: firm?,
            currencies,
            instruments,
            desks,
            accounts,
            traders,
            sessions,
            entitlements,
            permits,
            limits: set_limits,
            opening,
        },
    })
}
