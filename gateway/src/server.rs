//! The I/O thread: one mio loop over the listener, all connections and the office behind them.
//!
//! A turn: wait for sockets → accept → read, decode, push → (on few cores) let the engine decide, which has
//! no thread of its own there → take what the engine and the follower sent → write, one call a connection →
//! wake the writer → now and then look at the time. It never waits for the engine: what finds a full ring
//! stays with its connection, whose socket is then not read, and replies are drained in every turn. This
//! file owns the loop and the two queues of the gateway's own commands; `start` makes it, `logon` lets
//! connections in, `incoming` and `outgoing` move their messages, `ending` lets them go.
//!
//! Fair service: a turn takes a bounded number of frames, first a few from each connection that has just become
//! readable, then, in rounds, from those with more; a session may have a bounded number of messages in its
//! ring, and accepting is bounded too. So who asks for little does not wait for those who ask for much.

mod config;
mod ending;
mod incoming;
mod logon;
mod outgoing;
mod start;

pub use config::{Limits, Reload, ReloadHandle, Seed, ServeError, ServerConfig, StopHandle};
pub use start::{Bound, Server};

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam::channel::Receiver;
use engine::clerk::Notice;
use engine::command::{Command, TimePassed};
use engine::pipeline::{AckPolicy, Inbound};
use mio::net::TcpListener;
use mio::{Events, Poll, Token};
use wire::Text;

use crate::clock::{Clock, nanos_since};
use crate::connection::Connection;
use crate::history::History;
use crate::key_ring::KeyRing;
use crate::office::{Lane, Office};
use crate::session::{Ending, Timing};
use crate::table::Table;
use crate::throttle::Throttle;
use crate::verify_key::{Verdict, Verifier};

const LISTENER: Token = Token(usize::MAX);
const WAKER: Token = Token(usize::MAX - 1);
/// Bits of a poll token that name the slot; the others count the slot's uses, so that an event for a
/// connection that has gone is not taken for its successor's.
const SLOT_BITS: u32 = 24;
/// Between two looks at the time.
const TICK: u64 = 10_000_000;

/// Connections that are told something in one turn because of the time: each costs a system call or two.
const TOLD_A_TURN: usize = 8;

/// Longer than any turn takes by itself, nanoseconds.
const ABSENCE: u64 = 20_000_000;

/// Records that the second copy may be given at once behind some work, for who has just been answered is not there
/// again yet: one for each 4 µs of the pause before that work, up to two. Where there was none, there will be none.
const STEPS_BEHIND_WORK: u64 = 2;
/// What a record takes there, nanoseconds, and as much to spare.
const PAUSE_A_STEP: u64 = 4_000;
/// After so many nanoseconds without work it may be given more.
const LULL: u64 = 20_000;

/// The I/O thread's state.
#[derive(Debug)]
pub struct Gateway<O> {
    poll: Poll,
    listener: Option<TcpListener>,
    address: SocketAddr,
    ack: AckPolicy,
    limits: Limits,
    /// Sessions that are refused as long as the file beside each is there.
    blocked: Vec<(u32, PathBuf)>,
    cancel_on_failure: bool,
    timing: Timing,
    office: O,
    clock: Arc<dyn Clock>,
    start: Instant,
    stop: StopHandle,
    verifier: Verifier,
    /// `None` without a journal to read back.
    history: Option<History>,
    keys: KeyRing,
    /// What a connection speaks; `None` for plain TCP.
    tls: Option<Arc<rustls::ServerConfig>>,
    /// Keys and certificates to put in the place of those in force.
    reloads: Receiver<Reload>,
    reload: ReloadHandle,
    table: Table,
    instance: Text<16>,
    epoch: u64,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    generation: usize,
    unauthenticated: usize,
    newcomers: HashMap<IpAddr, logon::Newcomers>,
    /// The listener may have more connections.
    accepting: bool,
    /// Not before then: connections were refused, or the process ran out of descriptors.
    accept_again_at: u64,
    /// Slots with something to read that go first.
    ready: Vec<usize>,
    /// Slots with something to read that have had their share of a turn, or come last anyway.
    waiting: VecDeque<usize>,
    /// Slots that hold a command for a full ring.
    stalled: Vec<usize>,
    /// Connections whose next message waits until there is space for the journal again.
    out_of_space: Vec<usize>,
    /// Slots with something to write.
    touched: Vec<usize>,
    /// Slots whose output is being read back from the journal.
    recalling: Vec<usize>,
    /// Slots that wait for older messages of their session.
    settling: Vec<usize>,
    /// An empty list that stands in for one of these while it is gone through: so no turn allocates.
    spare: Vec<usize>,
    /// Sessions whose grace begins when the server listens.
    graces: Vec<u32>,
    /// The gateway's own commands that a ring had no room for, by lane; all others of the lane wait
    /// behind them.
    own_control: VecDeque<Inbound>,
    own_orders: VecDeque<Inbound>,
    /// The command whose messages the engine is sending: session index, engineSeq, time of receipt.
    current: Option<(usize, u64, u64)>,
    refused_logons: Throttle,
    /// Refused logons that were not told since the last that was.
    untold_refusals: u64,
    broken_handshakes: Throttle,
    /// Monotonic time of this turn.
    now: u64,
    /// Stamp of what is received in this turn.
    stamp: u64,
    /// Acknowledged sequence that was acted on.
    seen: u64,
    next_tick: u64,
    /// Records that the second copy may still be given before the next lull.
    spare_steps: u64,
    /// The slot at which the look at the time goes on.
    ticked: usize,
    told_deadline: u64,
}

/// Takes a list of slots out, to go through while it fills anew.
fn take_list(list: &mut Vec<usize>, spare: &mut Vec<usize>) -> Vec<usize> {
    std::mem::replace(list, std::mem::take(spare))
}

/// Milliseconds that a failed journal's engine may take to say what is to be cancelled.
const WISHES_ROUNDS: u32 = 200;

impl<O: Office> Gateway<O> {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// For stopping it from elsewhere.
    #[must_use]
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// For changing keys and certificates from elsewhere.
    #[must_use]
    pub fn reload_handle(&self) -> ReloadHandle {
        self.reload.clone()
    }

    /// Serves until asked to stop; gives the office back, to be drained.
    ///
    /// # Errors
    /// [`ServeError::Journal`] if nothing can be acknowledged any more: every session has been told.
    pub fn run(&mut self) -> Result<(), ServeError> {
        let mut events = Events::with_capacity(1024);
        let mut idle_since = 0;
        let mut timeout = Duration::ZERO;
        self.begin_graces();
        while !self.stop.is_stopped() {
            let worked = self.turn(&mut events, timeout)?;
            timeout = self.patience(worked, &mut idle_since);
        }
        self.drain(&mut events)
    }

    /// How long the next poll may wait.
    fn patience(&mut self, worked: bool, idle_since: &mut u64) -> Duration {
        let now = self.monotonic();
        if worked || self.has_ready() {
            let pause = self.now.saturating_sub(*idle_since);
            self.spare_steps = STEPS_BEHIND_WORK.min(pause / PAUSE_A_STEP);
            *idle_since = now;
            return Duration::ZERO;
        }
        let idle = now.saturating_sub(*idle_since);
        if (self.spare_steps > 0 || idle >= LULL) && self.office.follow() {
            self.spare_steps = self.spare_steps.saturating_sub(1);
            return Duration::ZERO;
        }
        if idle < nanos(self.limits.spin) {
            std::hint::spin_loop();
            return Duration::ZERO;
        }
        let wants_room =
            !self.stalled.is_empty() || !self.own_control.is_empty() || !self.own_orders.is_empty();
        if self.verifier.has_verdict() || !self.office.prepare_sleep(self.seen, wants_room) {
            return Duration::ZERO;
        }
        let accepts_in = match self.accepting {
            true => self.accept_again_at.saturating_sub(now),
            false => TICK,
        };
        Duration::from_nanos(accepts_in.min(TICK))
    }

    /// One turn; whether there was anything to do.
    fn turn(&mut self, events: &mut Events, timeout: Duration) -> Result<bool, ServeError> {
        if let Err(error) = self.poll.poll(events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error.into());
        }
        if !timeout.is_zero() {
            self.office.awake();
        }
        let now = self.monotonic();
        let before = std::mem::replace(&mut self.now, now);
        let absent = now.saturating_sub(before).saturating_sub(nanos(timeout));
        if absent > ABSENCE {
            self.excuse_silence(absent);
        }
        if let Some(failure) = self.office.failure() {
            tracing::error!(failure, "the journal has failed: every session is ended");
            if self.cancel_on_failure {
                self.ask_for_cancels();
            }
            self.end_all(Ending::JournalFailed);
            return Err(ServeError::Journal(failure));
        }
        let mut worked = !events.is_empty();
        for event in &*events {
            match event.token() {
                LISTENER => self.accepting = true,
                WAKER => {}
                Token(token) => self.on_event(token, event),
            }
        }
        if self.accepting && self.now >= self.accept_again_at {
            self.accept();
            // Who still waits is let in during the next turn, which must not sleep.
            worked |= self.accepting && self.now >= self.accept_again_at;
        }
        worked |= self.push_waiting();
        if self.has_ready() {
            self.stamp = self.clock.now();
            self.read_ready();
        }
        while let Some(verdict) = self.verifier.verdict() {
            worked = true;
            match verdict {
                Verdict::Logon(token, holds) => self.on_verdict(token, holds),
                Verdict::Handshake(token, result) => self.on_handshake(token, result),
            }
        }
        worked |= self.office.decide();
        worked |= self.take_outbound();
        self.settle();
        self.touch_recalling();
        worked |= self.write_touched();
        self.office.hand_on();
        if self.now >= self.next_tick {
            worked |= self.tick();
        }
        Ok(worked)
    }

    /// Nobody was listened to (the process stood still, or the disk under a batch that this loop wrote): the
    /// heartbeats that came meanwhile are read in the turns that follow.
    fn excuse_silence(&mut self, absent: u64) {
        let now = self.now;
        for connection in self.connections.iter_mut().flatten() {
            connection.session.not_heard_for(absent, now);
        }
    }

    fn on_event(&mut self, token: usize, event: &mio::event::Event) {
        let slot = slot_of(token);
        let Some(connection) = self.connection(slot).filter(|c| c.token == token) else {
            return;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            connection.read_closed |= event.is_read_closed() || event.is_error();
            self.queue(slot);
        }
        if event.is_writable() {
            if let Some(connection) = self.connection(slot) {
                connection.writable = true;
            }
            self.touch(slot);
        }
    }

    /// What is due by time alone; whether some of it is left for the next turn.
    fn tick(&mut self) -> bool {
        let mut told = 0;
        while self.ticked < self.connections.len() {
            told += usize::from(self.tick_connection(self.ticked));
            self.ticked += 1;
            if told == TOLD_A_TURN {
                return true;
            }
        }
        self.ticked = 0;
        self.next_tick = self.now.saturating_add(TICK);
        self.heed_notices();
        self.retry_out_of_space();
        self.bound_output();
        while let Ok(Reload { keys, tls, journal }) = self.reloads.try_recv() {
            if self.tls.is_some() {
                self.tls = tls.or_else(|| self.tls.take());
            }
            self.stamp = self.clock.now();
            for command in journal {
                self.command(Lane::Control, command);
            }
            self.change_keys(keys);
        }
        self.forget_newcomers();
        if let Some(deadline) = self.office.next_deadline()
            && deadline != self.told_deadline
        {
            let stamp = self.clock.now();
            if stamp >= deadline {
                self.told_deadline = deadline;
                self.stamp = stamp;
                self.command(Lane::Control, TimePassed::default().into());
            }
        }
        false
    }

    /// Tells the log what the clerk has done, and lets in what it asks for.
    fn heed_notices(&mut self) {
        while let Some(notice) = self.office.notice() {
            match notice {
                Notice::Done(what) => tracing::info!("{what}"),
                Notice::Failed(what) => tracing::warn!("{what}"),
                Notice::Enter(command) => self.command(Lane::Control, command),
            }
        }
    }

    /// Sends one of the gateway's own commands. What concerns one session takes that session's lane:
    /// its end must not overtake its last orders, nor its beginning be overtaken by its first.
    fn command(&mut self, lane: Lane, command: Command) {
        let inbound = Inbound {
            received_at: self.stamp.max(self.clock.now()),
            session_id: 0,
            in_seq_no: 0,
            command,
        };
        self.own(lane).push_back(inbound);
        self.push_own(lane);
    }

    const fn own(&mut self, lane: Lane) -> &mut VecDeque<Inbound> {
        match lane {
            Lane::Control => &mut self.own_control,
            Lane::Orders => &mut self.own_orders,
        }
    }

    /// Pushes the gateway's own commands of a lane; whether none is left.
    fn push_own(&mut self, lane: Lane) -> bool {
        while let Some(inbound) = self.own(lane).pop_front() {
            if let Err(back) = self.office.push(lane, inbound) {
                self.own(lane).push_front(back);
                return false;
            }
        }
        true
    }

    /// Stops in order: what is under way is answered, then every session is told.
    fn drain(&mut self, events: &mut Events) -> Result<(), ServeError> {
        if let Some(mut listener) = self.listener.take() {
            self.poll.registry().deregister(&mut listener)?;
        }
        tracing::info!("stopping: no more connections or messages are taken");
        let until = self.monotonic().saturating_add(nanos(self.limits.drain));
        let mut told = false;
        loop {
            self.forget_ready();
            self.turn(events, Duration::from_millis(1))?;
            let durable = self.office.durable();
            let settled = self.table.iter_mut().all(|s| s.is_settled(durable));
            let late = self.now >= until;
            if !told && (late || (settled && self.touched.is_empty())) {
                told = true;
                self.end_all(Ending::Stopping);
            } else if told && (late || (self.own_control.is_empty() && self.own_orders.is_empty()))
            {
                return Ok(());
            }
        }
    }

    /// Best effort: the venues that are up are asked to cancel all inline orders.
    fn ask_for_cancels(&mut self) {
        // An engine in this loop ends here.
        self.office.decide();
        let mut rounds = WISHES_ROUNDS;
        while self.office.wishes().is_none() && rounds > 0 {
            rounds -= 1;
            std::thread::sleep(Duration::from_millis(1));
        }
        let wishes = self.office.wishes().unwrap_or_default().to_vec();
        if !wishes.is_empty() {
            tracing::warn!(orders = wishes.len(), "asking the venues to cancel");
        }
        for wish in &wishes {
            self.answer(wish);
        }
        self.write_touched();
    }

    fn end_all(&mut self, ending: Ending) {
        for slot in 0..self.connections.len() {
            self.end(slot, ending);
        }
    }

    fn connection(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot)?.as_mut()
    }

    fn monotonic(&self) -> u64 {
        // 0 means "not known" for times of receipt.
        nanos_since(self.start).max(1)
    }
}

const fn slot_of(token: usize) -> usize {
    token & ((1 << SLOT_BITS) - 1)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
