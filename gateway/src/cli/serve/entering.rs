//! What a start journals before the first connection: keys, differences of the file, the first day.

use super::ServeArgs;
use crate::cli::failure::Failure;
use engine::command::{Command, DefineSession};
use engine::date::yyyymmdd;
use engine::decision::Outcome;
use engine::firm::{DayOpening, Difference, Firm, auto_day, changed_keys, differences};
use engine::recover::Opened;
use engine::view::SessionView;
use gateway::voice::remark;
use wire::{RejectCode, Text, Time};

/// The sessions as the journal has them, as far as it matters who is behind them.
pub(super) fn sessions_in_force(opened: &Opened) -> Vec<DefineSession> {
    let session = |view: SessionView| DefineSession {
        session_id: view.session_id,
        key_id: view.key_id,
        name: Text::new(&view.name),
        role: view.role,
        person: Text::new(&view.person),
        public_key: Text::new(&view.public_key),
        ..DefineSession::default()
    };
    opened.engine.sessions().map(session).collect()
}

/// Journals which keys are in force, where they are others than at the last start.
pub(super) fn enter_keys(firm: &Firm, opened: &mut Opened, now: u64) -> Result<(), Failure> {
    let changed = changed_keys(firm, &opened.engine);
    for session in &changed {
        let (id, name, key_id) = (session.session_id, session.name, session.key_id);
        tracing::info!(session = id, %name, key_id, "another key than at the last start");
    }
    let commands: Vec<Command> = changed.into_iter().map(Command::from).collect();
    if commands.is_empty() {
        return Ok(());
    }
    opened
        .enter(commands, now)
        .map(drop)
        .map_err(|error| Failure::new(1, error.to_string()))
}

/// Says where the file and the journal differ, and applies it if that was asked for.
pub(super) fn report_differences(
    args: &ServeArgs,
    firm: &Firm,
    opened: &mut Opened,
    now: u64,
) -> Result<(), Failure> {
    if opened.report.verdict.is_none() {
        return Ok(());
    }
    let differ = differences(firm, &opened.engine, Time(now));
    if differ.is_empty() {
        return Ok(());
    }
    let file = args.config.as_ref().map_or_else(
        || "the example firm".to_owned(),
        |path| path.display().to_string(),
    );
    remark(format_args!(
        "portcullis: {file} and the journal differ; the journal holds:"
    ));
    let mut changes = Vec::new();
    for Difference { line, command } in &differ {
        let note = if command.is_some() {
            ""
        } else {
            " (no command changes it)"
        };
        remark(format_args!("  {line}{note}"));
        changes.extend(command.map(|command| (line, command)));
    }
    if !args.apply_config {
        let next = if changes.is_empty() {
            "edit the file; nothing of this can be journalled"
        } else if changes.len() < differ.len() {
            "start with --apply-config to journal those that a command changes, or edit the file"
        } else {
            "start with --apply-config to journal these changes, or edit the file"
        };
        remark(format_args!("  next:  {next}"));
        return Ok(());
    }
    let commands: Vec<Command> = changes.iter().map(|(_, command)| *command).collect();
    let decisions = opened
        .enter(commands, now)
        .map_err(|error| Failure::new(1, error.to_string()))?;
    let mut refused = 0_u32;
    for ((line, _), decision) in changes.iter().zip(&decisions) {
        if matches!(decision.outcome, Outcome::Refused | Outcome::Rejected) {
            refused += 1;
            remark(format_args!(
                "portcullis: refused: {line}: {}",
                code_name(decision.code)
            ));
        } else {
            remark(format_args!("portcullis: applied: {line}"));
        }
    }
    if refused > 0 {
        let what = format!(
            "{refused} of {} changes were refused; the others are journalled",
            changes.len()
        );
        return Err(Failure::new(6, what));
    }
    Ok(())
}

/// `[day] open = "auto"`: the first day is opened with the file's opening data, a later one with what the
/// journal has.
pub(super) fn open_day(file: &Firm, opened: &mut Opened, now: u64) -> Result<(), Failure> {
    let Some(firm) = opened.engine.firm() else {
        return Ok(());
    };
    if firm.ready || file.process.day_open != DayOpening::Auto {
        return Ok(());
    }
    // A day that has begun goes on; only ops end it.
    let (date, commands) = match firm.business_date {
        0 => (yyyymmdd(now), file.first_day(yyyymmdd(now))),
        date => (date, auto_day(date)),
    };
    let decisions = opened
        .enter(commands, now)
        .map_err(|error| Failure::new(1, error.to_string()))?;
    for refused in decisions
        .iter()
        .filter(|one| one.outcome == Outcome::Refused)
    {
        let code = code_name(refused.code);
        tracing::warn!(date, code, "a row of the day's opening data was refused");
    }
    match decisions.last() {
        Some(last) if last.outcome == Outcome::Refused => {
            let code = code_name(last.code);
            tracing::warn!(
                date,
                code,
                "the day could not be opened; orders are refused NotReady"
            );
        }
        _ => tracing::info!(date, "the day is open"),
    }
    Ok(())
}

pub(super) fn code_name(code: u16) -> &'static str {
    RejectCode::from_number(code).map_or("refused", RejectCode::name)
}
