//! Talking to a running server: where it is, who asks, and what a refusal means for the exit code.

use super::To;
use super::failure::{Failure, REJECTED, UNREACHABLE, USAGE};
use gateway::voice::remark;
use portcullis_client::tls::{Identity, Tls};
use portcullis_client::{Client, ClientError, Credentials, Options, keys};
use rustls::CertificateError;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::str::FromStr;
use wire::{Flag, Query, QueryWhat, Reply, Role, Scope};

/// A scope as people write it: `firm`, `desk:1`, `account:2`, `trader:3`, `instrument:4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScopeArg {
    pub(crate) scope: Scope,
    pub(crate) id: u32,
}

impl FromStr for ScopeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "firm" {
            return Ok(Self {
                scope: Scope::Firm,
                id: 0,
            });
        }
        let wrong = || {
            format!(
                "`{text}` is not a scope: write firm, desk:ID, account:ID, trader:ID or instrument:ID"
            )
        };
        let (kind, id) = text.split_once(':').ok_or_else(wrong)?;
        let scope = Scope::DEF
            .values
            .iter()
            .find(|(name, ..)| name.eq_ignore_ascii_case(kind))
            .map(|(_, value, _)| Scope(*value))
            .filter(|scope| *scope != Scope::Firm)
            .ok_or_else(wrong)?;
        let id = id.parse().map_err(|_| wrong())?;
        Ok(Self { scope, id })
    }
}

/// The session of the example firm that speaks for a role: its id and the name of its key.
const fn usual_session(role: Role) -> (u32, &'static str) {
    match role {
        Role::Desk => (1, "desk1"),
        Role::Ops => (22, "ops"),
        _ => (21, "risk"),
    }
}

/// Logs on with the role risk.
pub(crate) fn connect(to: &To) -> Result<Client, Failure> {
    connect_as(to, Role::Risk)
}

/// Logs on with a role.
pub(crate) fn connect_as(to: &To, role: Role) -> Result<Client, Failure> {
    let (usual_id, usual_key) = usual_session(role);
    let address = match &to.connect {
        Some(address) => address.clone(),
        None => {
            let path = to.data.join("address");
            let text = fs::read_to_string(&path).map_err(|error| {
                let what = format!(
                    "no server is known: {}: {error}; start one with `portcullis serve`, or say --connect ADDRESS",
                    path.display()
                );
                Failure::new(UNREACHABLE, what)
            })?;
            text.trim().to_owned()
        }
    };
    let key_path = match &to.key {
        Some(path) => path.clone(),
        None => to.data.join("keys").join(format!("{usual_key}.key")),
    };
    let key = keys::load(&key_path).map_err(|error| Failure::new(1, error.to_string()))?;
    let credentials = Credentials {
        session_id: to.session.unwrap_or(usual_id),
        role,
        key,
        key_id: 1,
        expected_instance: to.instance.clone(),
    };
    let options = Options {
        tls: tls(to, &address)?,
        app_name: "portcullis".to_owned(),
        ..Options::default()
    };
    Client::connect(address.as_str(), credentials, options).map_err(|error| before_logon(error, to))
}

/// What ended a connection before its session was up, with the likely cause where the server names none.
fn before_logon(error: ClientError, to: &To) -> Failure {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all others say themselves what to do"
    )]
    let what = match &error {
        ClientError::SpeaksTls => {
            "the server speaks TLS: add --tls-authorities FILE, which says whose certificates are trusted"
                .to_owned()
        }
        ClientError::Closed => closed_before_logon(to),
        ClientError::Io(cause) => match cause.get_ref().and_then(|inner| inner.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => format!("{cause}; --tls-name NAME says which name it has"),
            Some(rustls::Error::InvalidCertificate(_)) => {
                format!("{cause}; --tls-authorities FILE says whose certificates are trusted")
            }
            Some(rustls::Error::InvalidMessage(_)) => {
                "the server does not speak TLS: leave --tls-authorities away".to_owned()
            }
            Some(rustls::Error::AlertReceived(_)) => {
                format!("{cause}; {}", closed_before_logon(to))
            }
            _ if cause.kind() == io::ErrorKind::ConnectionReset => closed_before_logon(to),
            _ => format!("the connection broke before the logon: {cause}"),
        },
        _ => return error.into(),
    };
    Failure::new(Failure::from(error).code, what)
}

fn closed_before_logon(to: &To) -> String {
    let likely = match (&to.tls_authorities, &to.tls_certificate) {
        (Some(_), None) => {
            "it may ask for a certificate of yours, --tls-certificate FILE --tls-key FILE; its log says why"
        }
        (Some(_), Some(_)) => "it may not accept the certificate; its log says why",
        (None, _) => "its log says why",
    };
    format!("the server closed the connection before the logon: {likely}")
}

/// How to speak TLS, if that is asked for.
fn tls(to: &To, address: &str) -> Result<Option<Tls>, Failure> {
    let Some(authorities) = &to.tls_authorities else {
        return Ok(None);
    };
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let everywhere = host.parse().is_ok_and(|host: IpAddr| host.is_unspecified());
    // No certificate has the name of all addresses: who is told that one is on the server's machine.
    let usual = if everywhere { "localhost" } else { host };
    let name = to.tls_name.as_deref().unwrap_or(usual);
    let identity = match (&to.tls_certificate, &to.tls_key) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        _ => None,
    };
    Tls::new(authorities, name, identity)
        .map(Some)
        .map_err(|error| Failure::new(1, error.to_string()))
}

/// All reports about `what`, of one scope and instrument if they are given.
pub(crate) fn query(
    client: &mut Client,
    what: QueryWhat,
    scope: Option<ScopeArg>,
    instrument: Option<u32>,
) -> Result<Vec<Reply>, Failure> {
    query_since(client, what, (scope, instrument), 0)
}

/// [`query`], answered from a state of that sequence or later.
pub(crate) fn query_since(
    client: &mut Client,
    what: QueryWhat,
    (scope, instrument): (Option<ScopeArg>, Option<u32>),
    min_engine_seq: u64,
) -> Result<Vec<Reply>, Failure> {
    let query = Query {
        what,
        min_engine_seq,
        scope: scope.map_or(Scope::NULL, |arg| arg.scope),
        scope_id: scope.map_or(u32::MAX, |arg| arg.id),
        instrument_id: instrument.unwrap_or(u32::MAX),
        ..Query::default()
    };
    Ok(client.query(query)?)
}

/// Makes sure that the firm has a scope or an instrument, so that nobody mistakes a typing error for an
/// empty answer.
pub(crate) fn must_exist(client: &mut Client, place: ScopeArg) -> Result<(), Failure> {
    let known = query(client, QueryWhat::States, Some(place), None)?;
    let exists = known.iter().any(|reply| {
        if let Reply::StateReport(report) = reply {
            (report.scope, report.scope_id) == (place.scope, place.id)
        } else {
            false
        }
    });
    if exists {
        return Ok(());
    }
    let what = place.scope.name().to_ascii_lowercase();
    let line = format!(
        "the firm has no {what} {}; `portcullis state show` lists what it has",
        place.id
    );
    Err(Failure::new(USAGE, line))
}

/// [`must_exist`] for an instrument, where one is named.
pub(crate) fn instrument_must_exist(
    client: &mut Client,
    instrument: Option<u32>,
) -> Result<(), Failure> {
    instrument.map_or(Ok(()), |id| {
        let scope = Scope::Instrument;
        must_exist(client, ScopeArg { scope, id })
    })
}

/// The sentence that says whether loosening takes two people.
pub(crate) const fn two_person(on: bool) -> &'static str {
    if on {
        "two-person approval is on"
    } else {
        "two-person approval is off"
    }
}

/// Says whether loosening takes two people: every status does.
pub(crate) fn say_two_person(client: &mut Client, json: bool) -> Result<(), Failure> {
    let firm = ScopeArg {
        scope: Scope::Firm,
        id: 0,
    };
    let states = query(client, QueryWhat::States, Some(firm), None)?;
    let on = states.iter().any(|reply| {
        if let Reply::StateReport(report) = reply {
            report.scope == Scope::Firm && report.two_person == Flag::Yes
        } else {
            false
        }
    });
    let line = two_person(on);
    if json {
        remark(format_args!("portcullis: {line}"));
    } else {
        writeln!(io::stdout(), "{line}")?;
    }
    Ok(())
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "all others are failures of this program or of the protocol"
        )]
        let code = match &error {
            ClientError::Connect { .. }
            | ClientError::Address(_)
            | ClientError::Io(_)
            | ClientError::Timeout { .. }
            | ClientError::Closed
            | ClientError::SpeaksTls
            | ClientError::Silent(_) => UNREACHABLE,
            ClientError::LogonRejected { .. }
            | ClientError::Terminated { .. }
            | ClientError::Rejected(_)
            | ClientError::QueryRefused(_) => REJECTED,
            _ => 1,
        };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<ScopeArg>().map(|arg| (arg.scope, arg.id));
        assert_eq!(read("firm"), Ok((Scope::Firm, 0)));
        assert_eq!(read("account:7"), Ok((Scope::Account, 7)));
        assert_eq!(read("Instrument:2"), Ok((Scope::Instrument, 2)));
        for text in ["", "firm:1", "book:1", "desk", "desk:x"] {
            assert!(read(text).unwrap_err().contains("is not a scope"), "{text}");
        }
    }
}
