//! Two people to loosen: proposals of a running server, and what a second person says to them.

use super::To;
use super::failure::Failure;
use super::output::Rows;
use super::remote::{ScopeArg, connect, query};
use super::risk::{applied, finish, reason};
use clap::{Subcommand, ValueEnum};
use engine::date::rfc3339;
use engine::firm::parse_duration;
use engine::text::{limit_text, value_form};
use portcullis_client::{Client, Code};
use serde_json::json;
use std::io::{self, Write};
use wire::{
    AdminAck, ApprovalAction, Approve, Flag, ProposalKind, ProposalReport, Propose, QueryWhat,
    RejectCode, Reply, Scope, Selector, SetTwoPerson, Text, Time,
};

/// What can be asked of two people.
#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// Every proposal that waits for a second person
    List,
    /// Let a proposal take effect, as another person than the one who made it
    Approve {
        /// Its number
        id: u32,
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
    },
    /// Take a proposal off the table
    Withdraw {
        /// Its number
        id: u32,
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
    },
    /// Propose that an account moves to another desk, with all that it holds and has open
    Move {
        /// account:4
        account: ScopeArg,
        /// desk:1
        desk: ScopeArg,
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
        #[command(flatten)]
        lapses: Lapses,
    },
    /// Switch two-person approval on; `off` is a proposal, which another person approves
    Switch {
        /// on or off
        to: Switch,
        /// Why, for the journal; at most 32 characters
        #[arg(long, value_parser = reason)]
        reason: Text<32>,
    },
}

/// Whether loosening takes two.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Switch {
    /// It takes two.
    On,
    /// One suffices.
    Off,
}

/// How long a proposal waits.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Lapses {
    /// How long the proposal waits, such as 30m; else eight hours, at most seven days
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    lapses: Option<u64>,
}

impl Lapses {
    /// Only a proposal lapses.
    pub(crate) fn must_be_proposed(self, propose: bool) -> Result<(), Failure> {
        if self.lapses.is_none() || propose {
            return Ok(());
        }
        let what = "--lapses says how long a proposal waits: it needs --propose";
        Err(Failure::new(super::failure::USAGE, what))
    }

    /// By the server's clock, which is the one that counts; 0 for the usual time.
    pub(crate) fn at(self, client: &Client) -> Time {
        let now = client.hello().server_time.0;
        Time(self.lapses.map_or(0, |ns| now.saturating_add(ns)))
    }
}

/// Runs one of the subcommands.
pub(crate) fn run(to: &To, what: &Approvals) -> Result<(), Failure> {
    match what {
        Approvals::List => list(to),
        Approvals::Approve { id, reason } => judge(to, *id, ApprovalAction::Approve, *reason),
        Approvals::Withdraw { id, reason } => judge(to, *id, ApprovalAction::Withdraw, *reason),
        Approvals::Move {
            account,
            desk,
            reason,
            lapses,
        } => move_account(to, *account, *desk, *reason, *lapses),
        Approvals::Switch { to: on, reason } => switch(to, *on, *reason),
    }
}

fn list(to: &To) -> Result<(), Failure> {
    let mut client = connect(to)?;
    let replies = query(&mut client, QueryWhat::Proposals, None, None)?;
    let report = |reply| {
        if let Reply::ProposalReport(report) = reply {
            Some(report)
        } else {
            None
        }
    };
    let row = |r: ProposalReport| {
        vec![
            json!(r.proposal_id),
            json!(change(&r)),
            json!(r.reason.as_str()),
            json!(r.session_id),
            json!(r.person.as_str()),
            json!(rfc3339(r.proposed_at.0)),
            json!(rfc3339(r.expires_at.0)),
            json!(r.expected_version),
        ]
    };
    Rows {
        fields: &[
            "proposalId",
            "change",
            "reason",
            "sessionId",
            "person",
            "proposedAt",
            "expiresAt",
            "expectedVersion",
        ],
        rows: replies.into_iter().filter_map(report).map(row).collect(),
    }
    .print(to.json)?;
    finish(client, to)
}

/// What a proposal would change, as its commands would say it.
fn change(r: &ProposalReport) -> String {
    let place = match r.scope {
        Scope::Firm => "firm".to_owned(),
        scope => format!("{}:{}", scope.name().to_ascii_lowercase(), r.scope_id),
    };
    match r.what {
        ProposalKind::Limit => {
            let selector = match r.selector {
                Selector::All => String::new(),
                Selector::Currency => {
                    format!(" currency:{}", Text::<4>(r.selector_id.to_le_bytes()))
                }
                other => format!(" {}:{}", other.name().to_ascii_lowercase(), r.selector_id),
            };
            let value = if r.value == i64::MIN {
                "none".to_owned()
            } else {
                limit_text(value_form(r.limit_kind, r.unit), r.value)
            };
            let until = match r.limit_expires_at.0 {
                0 => String::new(),
                at => format!(" until {}", rfc3339(at)),
            };
            let mode = match r.mode {
                wire::LimitMode::Shadow => " shadow",
                _ => "",
            };
            format!("{place} {}{selector} {value}{until}{mode}", r.limit_kind)
        }
        ProposalKind::State => format!("{place} {}", r.state),
        ProposalKind::Move => format!("{place} to desk:{}", r.desk_id),
        _ => "two-person approval off".to_owned(),
    }
}

fn judge(to: &To, id: u32, action: ApprovalAction, reason: Text<32>) -> Result<(), Failure> {
    let mut client = connect(to)?;
    let ack = client.request_and_ack(Approve {
        proposal_id: id,
        action,
        reason,
        ..Approve::default()
    })?;
    let gone = "no such proposal waits: it was used, withdrawn, overtaken, or has lapsed; \
                see `portcullis approvals list`";
    let own = "another person than the one who proposed it has to approve it, with role risk";
    match RejectCode::from_number(ack.code) {
        Some(RejectCode::NeedsApproval) => Err(refused(&ack, gone)),
        Some(RejectCode::NotAuthorised) => Err(refused(&ack, own)),
        Some(RejectCode::VersionConflict) => Err(refused(
            &ack,
            "it has changed since it was proposed, and the proposal is off the table: propose it anew",
        )),
        _ => {
            let what = if action == ApprovalAction::Approve {
                "proposal approved,"
            } else {
                "proposal withdrawn,"
            };
            applied(&ack, what, to)?;
            finish(client, to)
        }
    }
}

/// A refusal with the way out.
pub(super) fn refused(ack: &AdminAck, help: &str) -> Failure {
    let line = format!("refused: {}: {help}", Code(ack.code));
    Failure::new(super::failure::REJECTED, line)
}

fn move_account(
    to: &To,
    account: ScopeArg,
    desk: ScopeArg,
    reason: Text<32>,
    lapses: Lapses,
) -> Result<(), Failure> {
    if account.scope != Scope::Account || desk.scope != Scope::Desk {
        let what = "an account moves to a desk: write account:ID desk:ID";
        return Err(Failure::new(super::failure::USAGE, what.to_owned()));
    }
    let mut client = connect(to)?;
    let proposal = Propose {
        what: ProposalKind::Move,
        scope: Scope::Account,
        scope_id: account.id,
        desk_id: desk.id,
        expires_at: lapses.at(&client),
        reason,
        ..Propose::default()
    };
    propose(&mut client, proposal, to)?;
    finish(client, to)
}

fn switch(to: &To, on: Switch, reason: Text<32>) -> Result<(), Failure> {
    let mut client = connect(to)?;
    match on {
        Switch::On => {
            let ack = client.request_and_ack(SetTwoPerson {
                on: Flag::Yes,
                reason,
                ..SetTwoPerson::default()
            })?;
            applied(&ack, "switch", to)?;
        }
        Switch::Off => {
            let off = Propose {
                what: ProposalKind::SinglePerson,
                reason,
                ..Propose::default()
            };
            propose(&mut client, off, to)?;
        }
    }
    finish(client, to)
}

/// Files a proposal and says its number.
pub(super) fn propose(client: &mut Client, proposal: Propose, to: &To) -> Result<(), Failure> {
    let ack = client.request_and_ack(proposal)?;
    if ack.code != 0 {
        return Err(refused(&ack, "nothing was proposed"));
    }
    let id = ack.new_version;
    if to.json {
        writeln!(
            io::stdout(),
            "{}",
            json!({"proposed": true, "engineSeq": ack.engine_seq, "proposalId": id})
        )?;
    } else {
        writeln!(
            io::stdout(),
            "proposal {id}: another person approves it with `portcullis approvals approve {id} --reason …`"
        )?;
    }
    Ok(())
}
