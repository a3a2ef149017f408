//! Taking a broken session up again without being asked: when to try, when to give up.

use std::time::{Duration, Instant};

use wire::RejectCode;

use crate::client::{Client, Event};
use crate::error::{ClientError, Code};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A line that broke, and when it is tried again.
#[derive(Debug)]
pub(crate) struct Broken {
    give_up_at: Instant,
    next_try: Instant,
    pause: Duration,
}

impl Broken {
    /// The line broke just now.
    ///
    /// # Errors
    /// The cause, if it is nothing that another try could mend.
    pub(crate) fn by(cause: ClientError, patience: Duration) -> Result<Self, ClientError> {
        let now = Instant::now();
        let mut broken = Self {
            give_up_at: now + patience,
            next_try: now,
            pause: FIRST_PAUSE,
        };
        broken.failed(cause)?;
        Ok(broken)
    }

    /// A try has failed; the next one is due after a pause that doubles up to two seconds.
    fn failed(&mut self, cause: ClientError) -> Result<(), ClientError> {
        let Some(wanted) = pause_wanted(&cause) else {
            return Err(cause);
        };
        self.next_try = Instant::now() + self.pause.max(wanted);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        if self.next_try < self.give_up_at {
            Ok(())
        } else {
            Err(cause)
        }
    }
}

/// How long the server wants to be left alone; `None` where another try would end the same way.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others are not the line's fault"
)]
fn pause_wanted(cause: &ClientError) -> Option<Duration> {
    match cause {
        ClientError::Connect { .. }
        | ClientError::Io(_)
        | ClientError::Timeout { .. }
        | ClientError::Closed
        | ClientError::Silent(_)
        | ClientError::Gap { .. }
        | ClientError::Terminated { .. } => Some(Duration::ZERO),
        ClientError::LogonRejected {
            code: Code(code),
            retry_after,
            ..
        } => {
            let passes = [RejectCode::AlreadyLoggedOn, RejectCode::Throttled];
            let passes = passes.iter().any(|known| known.number() == *code);
            passes.then_some(*retry_after)
        }
        _ => None,
    }
}

impl Client {
    /// Notes that the line broke, if the options want the session taken up again.
    ///
    /// # Errors
    /// The cause, if they do not or if it would not help.
    pub(crate) fn line_broke(&mut self, cause: ClientError) -> Result<(), ClientError> {
        let patience = self.reconnects_for();
        if patience.is_zero() {
            return Err(cause);
        }
        self.broken = Some(Broken::by(cause, patience)?);
        Ok(())
    }

    /// Tries to take the session up if a try is due before `until`; `None` if it is not up yet.
    ///
    /// # Errors
    /// What the last try met, once the patience of the options is at its end.
    pub(crate) fn take_up(&mut self, until: Instant) -> Result<Option<Event>, ClientError> {
        let Some(mut broken) = self.broken.take() else {
            return Ok(None);
        };
        let now = Instant::now();
        std::thread::sleep(broken.next_try.min(until).saturating_duration_since(now));
        if broken.next_try > until {
            self.broken = Some(broken);
            return Ok(None);
        }
        match self.reconnect() {
            Ok(()) => Ok(Some(Event::Resumed(*self.logon_ack()))),
            Err(cause) => {
                broken.failed(cause)?;
                self.broken = Some(broken);
                Ok(None)
            }
        }
    }
}
