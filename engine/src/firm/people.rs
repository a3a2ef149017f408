//! `[firm]`, `[capacity]`, desks, accounts, traders and sessions.

use super::KeyFile;
use super::market::base_currency;
use super::section::{Section, Value};
use crate::command::{DefineDesk, DefineFirm, DefineSession, DefineTrader, Entitle};
use std::path::PathBuf;
use wire::{DefineAccount, Flag, Role, Text, Topology};

pub(super) fn firm(root: &Section<'_>) -> Option<DefineFirm> {
    let section = root.table("firm", "[firm]");
    if !section.is_given() {
        section.mistake(
            "is missing",
            "every firm has a [firm] section with name, instance, base_currency",
        );
        return None;
    }
    let name = section.required("name").and_then(|v| v.text());
    let instance = section.required("instance").and_then(|v| v.text());
    let base_currency = base_currency(&section);
    // Loosening takes two people unless the firm says that it has only one.
    let two_person = section
        .optional("two_person")
        .map_or(Some(true), |v| v.boolean());
    section.finish();
    let sizes = root.table("capacity", "[capacity]");
    // A wrong size is one mistake; those who look for the base currency need the rest.
    let size = |key, usual: u32, most: u32| {
        let said = sizes
            .optional(key)
            .and_then(|value| value.uint(1, most.into()));
        said.and_then(|n| u32::try_from(n).ok()).unwrap_or(usual)
    };
    let most = DefineFirm::LARGEST;
    let accounts = size("accounts", 1 << 10, most.accounts);
    let instruments = size("instruments", 1 << 10, most.instruments);
    let orders = size("orders", 1 << 18, most.orders);
    let rows = size("rows", 1 << 16, most.rows);
    let executions = size("executions", 1 << 20, most.executions);
    let limits = size("limits", 1 << 12, most.limits);
    let sessions = size("sessions", 64, most.sessions);
    for (key, size) in [
        ("accounts", accounts),
        ("instruments", instruments),
        ("limits", limits),
        ("sessions", sessions),
    ] {
        let defined = root.tables(key, key).len();
        if defined <= size as usize {
            continue;
        }
        let (what, help) = (
            format!("{size} is too few for the {defined} that the file defines"),
            format!("say at least `{key} = {defined}`; room for more costs memory only"),
        );
        match sizes.optional(key) {
            Some(value) => value.wrong(what, help),
            None => sizes.mistake(what, help),
        }
    }
    sizes.finish();
    Some(DefineFirm {
        instance: instance?,
        name: name?,
        base_currency: base_currency?,
        accounts,
        instruments,
        orders,
        rows,
        executions,
        limits,
        sessions,
        two_person: if two_person? { Flag::Yes } else { Flag::No },
        ..DefineFirm::default()
    })
}

/// Notes an id or name that another section of the kind has too.
fn unique<T: PartialEq + Copy>(
    value: Option<Value<'_>>,
    item: Option<&T>,
    others: &mut Vec<T>,
    what: &str,
) {
    let (Some(value), Some(item)) = (value, item) else {
        return;
    };
    if others.contains(item) {
        value.wrong(
            format!("is the {what} of another section too"),
            "give each its own",
        );
    } else {
        others.push(*item);
    }
}

pub(super) fn desks(root: &Section<'_>) -> Vec<DefineDesk> {
    let (mut out, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for section in root.tables("desks", "[[desks]]") {
        let (id, name) = (section.required("id"), section.required("name"));
        let (desk_id, text) = (id.and_then(|v| v.id()), name.and_then(|v| v.text()));
        unique(id, desk_id.as_ref(), &mut ids, "id");
        unique(name, text.as_ref(), &mut names, "name");
        section.finish();
        if let (Some(desk_id), Some(name)) = (desk_id, text) {
            out.push(DefineDesk { desk_id, name });
        }
    }
    out
}

pub(super) fn accounts(root: &Section<'_>, desks: &[DefineDesk]) -> Vec<DefineAccount> {
    let (mut out, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut suspense_account = None;
    for section in root.tables("accounts", "[[accounts]]") {
        let (id, name) = (section.required("id"), section.required("name"));
        let (account, text) = (id.and_then(|v| v.id()), name.and_then(|v| v.text()));
        unique(id, account.as_ref(), &mut ids, "id");
        unique(name, text.as_ref(), &mut names, "name");
        let desk = section.required("desk");
        let desk_id = desk.and_then(|v| v.id());
        if let (Some(value), Some(desk_id)) = (desk, desk_id)
            && !desks.iter().any(|desk| desk.desk_id == desk_id)
        {
            value.wrong(
                format!("there is no desk {desk_id}"),
                format!("add [[desks]] with id = {desk_id}"),
            );
        }
        let flag = section.optional("suspense");
        let suspense = flag.map_or(Some(false), |v| v.boolean()) == Some(true);
        if let (Some(value), true) = (flag, suspense) {
            if suspense_account.is_some() {
                value.wrong(
                    "another account is the suspense account already",
                    "a firm has one",
                );
            }
            suspense_account = account;
        }
        let group = section
            .optional("self_match_group")
            .map_or(Some(0), |v| v.id());
        let self_match_off = section
            .optional("self_match")
            .map_or(Some(false), on_or_off);
        section.finish();
        if let (Some(account), Some(desk_id), Some(name)) = (account, desk_id, text) {
            out.push(DefineAccount {
                account,
                desk_id,
                self_match_group: group.unwrap_or(0),
                self_match_off: if self_match_off == Some(true) {
                    Flag::Yes
                } else {
                    Flag::No
                },
                suspense: if suspense { Flag::Yes } else { Flag::No },
                name,
                ..DefineAccount::default()
            });
        }
    }
    if suspense_account.is_none() {
        root.mistake(
            "no account has `suspense = true`",
            "mark one: fills that name no account are booked there, never dropped",
        );
    }
    out
}

/// Whether a check is said to be off.
fn on_or_off(value: Value<'_>) -> Option<bool> {
    match value.string()? {
        "on" => Some(false),
        "off" => Some(true),
        text => {
            value.wrong(
                format!("`{text}` is neither on nor off"),
                "write \"on\" or \"off\"",
            );
            None
        }
    }
}

pub(super) fn traders(root: &Section<'_>) -> Vec<DefineTrader> {
    let (mut out, mut ids, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for section in root.tables("traders", "[[traders]]") {
        let (id, name) = (section.required("id"), section.required("name"));
        let (trader_id, text) = (id.and_then(|v| v.small_id()), name.and_then(|v| v.text()));
        unique(id, trader_id.as_ref(), &mut ids, "id");
        unique(name, text.as_ref(), &mut names, "name");
        section.finish();
        if let (Some(trader_id), Some(name)) = (trader_id, text) {
            out.push(DefineTrader {
                trader_id,
                name,
                ..DefineTrader::default()
            });
        }
    }
    out
}

type Sessions = (Vec<DefineSession>, Vec<Entitle>, Vec<KeyFile>);

pub(super) fn sessions(
    root: &Section<'_>,
    accounts: &[DefineAccount],
    traders: &[DefineTrader],
) -> Sessions {
    let (mut out, mut entitlements, mut key_files): Sessions = Sessions::default();
    let (mut ids, mut names, mut venues) = (Vec::new(), Vec::new(), Vec::new());
    for section in root.tables("sessions", "[[sessions]]") {
        let (id, name) = (section.required("id"), section.required("name"));
        let (session_id, text) = (id.and_then(|v| v.id()), name.and_then(|v| v.text()));
        unique(id, session_id.as_ref(), &mut ids, "id");
        unique(name, text.as_ref(), &mut names, "name");
        let role = section
            .required("role")
            .and_then(|v| v.choice(&Role::DEF))
            .map(Role);
        let topology = only_for(&section, role, "topology", Role::Desk)
            .map_or(Some(Topology::Inline), |v| {
                v.choice(&Topology::DEF).map(Topology)
            });
        let venue = match role {
            Some(Role::Venue) => section.required("venue"),
            _ => only_for(&section, role, "venue", Role::Venue),
        };
        let venue_id = venue.map_or(Some(0), |v| v.small_id());
        if let Some(venue_id) = venue_id.filter(|id| *id != 0) {
            unique(venue, Some(&venue_id), &mut venues, "venue");
        }
        let for_accounts = only_for(&section, role, "accounts", Role::Desk);
        let for_traders = only_for(&section, role, "traders", Role::Desk);
        if role == Some(Role::Desk) && for_accounts.is_none() {
            section.mistake(
                "`accounts` is missing",
                "name the accounts that the desk trades for",
            );
        }
        if role == Some(Role::Desk) && for_traders.is_none() {
            section.mistake(
                "`traders` is missing",
                "name the traders that the desk's orders carry",
            );
        }
        let key_id = section.optional("key_id").map_or(Some(1), |v| v.id());
        let (public_key, key_file) = key(&section);
        let person = section
            .optional("person")
            .map_or(Some(Text::default()), |v| v.text());
        section.finish();
        let (Some(session_id), Some(name), Some(role)) = (session_id, text, role) else {
            continue;
        };
        entitle(
            session_id,
            for_accounts,
            for_traders,
            accounts,
            traders,
            &mut entitlements,
        );
        key_files.extend(key_file.map(|path| KeyFile {
            session_id,
            name: name.as_str().to_owned(),
            path,
        }));
        let topology = if role == Role::Desk {
            topology
        } else {
            Some(Topology::NULL)
        };
        let (Some(key_id), Some(topology), Some(venue_id)) = (key_id, topology, venue_id) else {
            continue;
        };
        out.push(DefineSession {
            session_id,
            key_id,
            public_key,
            name,
            role,
            topology,
            venue_id,
            person: person.unwrap_or_default(),
        });
    }
    (out, entitlements, key_files)
}

/// Where loosening takes two people there must be two who may.
pub(super) fn two_people(
    root: &Section<'_>,
    firm: Option<&DefineFirm>,
    sessions: &[DefineSession],
    key_files: &[KeyFile],
) {
    let Some(_) = firm.filter(|firm| firm.two_person == Flag::Yes) else {
        return;
    };
    let file_of = |id: u32| {
        let file = key_files.iter().find(|file| file.session_id == id);
        file.map(|file| &file.path)
    };
    let one_person = |a: &DefineSession, b: &DefineSession| {
        is_one_person(a, b)
            || (file_of(a.session_id).is_some() && file_of(a.session_id) == file_of(b.session_id))
    };
    if !has_two(sessions, one_person) {
        root.mistake(
            "loosening takes two people, and fewer have sessions of role risk",
            "add a second [[sessions]] with role = \"risk\" and another key and person, \
             or say `two_person = false` in [firm]",
        );
    }
}

/// Whether two sessions are one person's as the engine judges, by name or by the key that the journal keeps.
pub(super) fn is_one_person(a: &DefineSession, b: &DefineSession) -> bool {
    (!a.person.as_str().is_empty() && a.person == b.person)
        || (!a.public_key.as_str().is_empty() && a.public_key == b.public_key)
}

/// Whether two people have sessions of role risk.
pub(super) fn has_two(
    sessions: &[DefineSession],
    one_person: impl Fn(&DefineSession, &DefineSession) -> bool,
) -> bool {
    let mut risk = sessions.iter().filter(|session| session.role == Role::Risk);
    let first = risk.next();
    first.is_some_and(|first| risk.any(|other| !one_person(first, other)))
}

/// A key that means something for one role only.
fn only_for<'a>(
    section: &Section<'a>,
    role: Option<Role>,
    key: &'static str,
    wanted: Role,
) -> Option<Value<'a>> {
    let value = section.optional(key)?;
    if role.is_some_and(|role| role != wanted) {
        value.wrong(
            format!("means nothing for the role {}", role?),
            format!("it belongs to {wanted}"),
        );
        return None;
    }
    Some(value)
}

fn entitle(
    session_id: u32,
    for_accounts: Option<Value<'_>>,
    for_traders: Option<Value<'_>>,
    accounts: &[DefineAccount],
    traders: &[DefineTrader],
    out: &mut Vec<Entitle>,
) {
    let granted = Entitle {
        session_id,
        allow: Flag::Yes,
        ..Entitle::default()
    };
    for item in for_accounts.iter().flat_map(Value::items) {
        let Some(account) = item.id() else { continue };
        if accounts.iter().any(|known| known.account == account) {
            out.push(Entitle { account, ..granted });
        } else {
            item.wrong(
                format!("there is no account {account}"),
                "add it to [[accounts]]",
            );
        }
    }
    for item in for_traders.iter().flat_map(Value::items) {
        let Some(trader_id) = item.small_id() else {
            continue;
        };
        if traders.iter().any(|known| known.trader_id == trader_id) {
            out.push(Entitle {
                trader_id,
                ..granted
            });
        } else {
            item.wrong(
                format!("there is no trader {trader_id}"),
                "add it to [[traders]]",
            );
        }
    }
}

/// Whether `text` is 64 hexadecimal digits.
pub(super) fn is_public_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The public key, or the file that holds it; exactly one of the two.
fn key(section: &Section<'_>) -> (Text<64>, Option<PathBuf>) {
    let (inline, file) = (section.optional("public_key"), section.optional("key_file"));
    match (inline, file) {
        (Some(value), None) => {
            let text = value.string().unwrap_or_default();
            if !text.is_empty() && !is_public_key(text) {
                value.wrong(
                    "is not 64 hexadecimal digits",
                    "copy it from the .pub file that keygen wrote",
                );
            }
            (Text::new(&text.to_ascii_lowercase()), None)
        }
        (None, Some(value)) => (Text::default(), value.string().map(PathBuf::from)),
        (Some(_), Some(value)) => {
            value.wrong("stands beside `public_key`", "keep one of the two");
            (Text::default(), None)
        }
        (None, None) => {
            section.mistake(
                "has no key",
                "add `key_file` or `public_key`; `portcullis keygen` makes a pair",
            );
            (Text::default(), None)
        }
    }
}
