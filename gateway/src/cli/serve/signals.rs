//! SIGTERM and SIGINT stop, SIGHUP reads keys and certificates again.

use super::ServeArgs;
use super::files::read_firm;
use crate::cli::failure::Failure;
use crate::cli::reload::reload;
use engine::firm::Firm;
use gateway::server::{ReloadHandle, StopHandle};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// SIGTERM and SIGINT drain and stop; a second SIGINT ends the process at once.
pub(super) fn stop_on_signals(stop: StopHandle) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
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
                stop.stop();
            }
        })?;
    Ok(())
}

/// SIGHUP reads keys and certificates again; what can't be read changes nothing.
pub(super) fn reload_on_signal(
    args: ServeArgs,
    mut firm: Firm,
    handle: ReloadHandle,
) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGHUP])?;
    std::thread::Builder::new()
        .name("portcullis-reload".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                let read = read_firm(&args)
                    .and_then(|(now, ring)| Ok((reload(&firm, &now, ring, &args.data)?, now)));
                match read {
                    Ok((changes, now)) => {
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
