//! SIGTERM and SIGINT stop, SIGHUP reads keys and certificates again.

use super::ServeArgs;
use super::files::read_firm;
use crate::cli::failure::Failure;
use crate::cli::reload::reload;
use engine::firm::Firm;
use gateway::server::{ReloadHandle, StopHandle};
use parking_lot::Mutex;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;

/// Stops the server when SIGTERM or SIGINT asks for it, also before there is one; a second SIGINT ends the process
/// at once.
#[derive(Debug, Clone)]
pub(super) struct Stopping(Arc<Mutex<Asked>>);

/// How far a start has come, and whether it is to go on.
#[derive(Debug)]
enum Asked {
    NotYet,
    BeforeServing,
    OfTheServer(StopHandle),
}

impl Stopping {
    /// Listens to the signals from now on.
    pub(super) fn on_signals() -> Result<Self, Failure> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let this = Self(Arc::new(Mutex::new(Asked::NotYet)));
        let stopping = this.clone();
        std::thread::Builder::new()
            .name("portcullis-signals".to_owned())
            .spawn(move || {
                let mut interrupted = false;
                for signal in signals.forever() {
                    // Supervisors and `timeout` may send SIGTERM more than once; a person who presses
                    // Ctrl-C again means it.
                    if signal == SIGINT && std::mem::replace(&mut interrupted, true) {
                        std::process::exit(128 + signal);
                    }
                    stopping.ask();
                }
            })?;
        Ok(this)
    }

    fn ask(&self) {
        let mut asked = self.0.lock();
        match &*asked {
            Asked::NotYet => *asked = Asked::BeforeServing,
            Asked::BeforeServing => {}
            Asked::OfTheServer(stop) => stop.stop(),
        }
    }

    /// Whether a start must not go on.
    pub(super) fn is_asked(&self) -> bool {
        matches!(*self.0.lock(), Asked::BeforeServing)
    }

    /// There is a server now; it stops at once if that was asked for meanwhile.
    pub(super) fn of(&self, stop: StopHandle) {
        let before = std::mem::replace(&mut *self.0.lock(), Asked::OfTheServer(stop.clone()));
        if matches!(before, Asked::BeforeServing) {
            stop.stop();
        }
    }
}

/// Keeps a SIGHUP that comes before keys and certificates can be read again.
pub(super) fn hangups() -> Result<Signals, Failure> {
    Ok(Signals::new([SIGHUP])?)
}

/// SIGHUP reads keys and certificates again; what can't be read changes nothing.
pub(super) fn reload_on_signal(
    args: ServeArgs,
    mut firm: Firm,
    handle: ReloadHandle,
    mut signals: Signals,
) -> Result<(), Failure> {
    std::thread::Builder::new()
        .name("portcullis-reload".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                let read = read_firm(&args)
                    .and_then(|(now, ring)| Ok((reload(&firm, &now, ring, &args.data)?, now)));
                match read {
                    Ok((changes, mut now)) => {
                        now.keep_people_of(firm.sessions());
                        handle.replace(changes);
                        firm = now;
                    }
                    Err(failure) => {
                        tracing::error!("{}; keys and certificates stay as they were", failure.what)
                    }
                }
            }
        })?;
    Ok(())
}
