//! Owns the threads of the middle and back office and the rings between them: start, wait, stop.
//! Leaves out sockets (the gateway's), decisions (`risk`) and files (`journal`).
//!
//! ```text
//! gateway ──control──▶ engine ──(sequence, command, decision)──▶ writer ──▶ journal ──▶ follower
//!         ──orders───▶        ──outbound──▶ gateway ◀──watermarks──┘          reports ──▶ gateway
//! ```
//! The engine never waits for the disk, the gateway never waits for anyone: every ring is bounded and
//! gives the value back when it is full, and nobody takes what it can't pass on.

mod archive;
mod doors;
mod engine_thread;
mod follower_thread;
mod in_hand;
mod intake;
mod rings;
mod sink;
mod source;
mod sync;
mod wait;
#[cfg(test)]
mod wait_tests;
mod watermarks;
mod writer_thread;

pub use archive::{Archive, FindReach, Kept, OpenPast, Past, Reach};
pub use doors::{Doors, Inbound, Inlet, Outbound, Outlet, Wake};
pub use in_hand::{in_hand_file, sessions_in_hand};
pub use rings::{Consumer, Producer, ring};
pub use sink::{JournalSink, Sink, SinkError, Space};
pub use source::JournalTail;
pub use wait::Wait;
pub use watermarks::{AckPolicy, Watermarks};
pub use writer_thread::Clock;

use crate::recover::Opened;
use crate::risk::RiskEngine;
use doors::Bell;
use engine_thread::{EngineStopped, EngineThread, Progress, SLOTS_OF_A_COMMAND};
use follower_thread::{Belongings, FollowerThread};
use intake::Intake;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wait::Bed;
use writer_thread::WriterThread;

/// Slots of the clerk's notices; what does not fit is lost, and none is needed.
const NOTICES: usize = 64;

/// Sizes and waits of the pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Slots of the control ring.
    pub control_slots: usize,
    /// Slots of the orders ring.
    pub orders_slots: usize,
    /// Slots of the outbound ring; at least what one command may cause.
    pub outbound_slots: usize,
    /// Slots of the ring to the writer.
    pub journal_slots: usize,
    /// Bytes of memory behind that ring, for records decided while the disk is busy; 0 for none.
    pub journal_memory: usize,
    /// Slots of the follower's reports.
    pub report_slots: usize,
    /// Free slots of the outbound ring, and free places for records in the journal ring and the memory
    /// behind it, below which new orders are `Busy`; kept for reports, cancels and states.
    pub reserve: usize,
    /// How the engine thread waits.
    pub engine_wait: Wait,
    /// How the writer thread waits.
    pub writer_wait: Wait,
    /// When replies leave: decides only who wakes the gateway.
    pub ack: AckPolicy,
    /// Called by each thread when it begins, with its name: to pin it, for example.
    pub on_thread: fn(&'static str),
}

impl Options {
    /// The sizes that serve a firm.
    #[must_use]
    pub fn new(ack: AckPolicy) -> Self {
        Self {
            control_slots: 1024,
            orders_slots: 4096,
            outbound_slots: 4096,
            journal_slots: 4096,
            journal_memory: 64 << 20,
            report_slots: 4096,
            reserve: 512,
            engine_wait: Wait::engine(),
            writer_wait: Wait::behind(),
            ack,
            on_thread: |_| {},
        }
    }
}

/// What all threads of one pipeline share.
#[derive(Debug)]
struct Shared {
    watermarks: Arc<Watermarks>,
    /// Finish what is in the rings and end.
    stop: AtomicBool,
    /// End at once, as if the process had been killed.
    kill: AtomicBool,
    engine_ended: AtomicBool,
    /// All records are durable; the follower may finish.
    records_ended: AtomicBool,
    follower_ended: AtomicBool,
    writer_ended: AtomicBool,
}

impl Shared {
    fn killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }
}

/// Stops the others closed when a thread ends by a panic (in builds where a panic unwinds).
struct Guard {
    shared: Arc<Shared>,
    name: &'static str,
    ended: fn(&Shared) -> &AtomicBool,
    wake: Vec<Arc<Bed>>,
    bell: Arc<Bell>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.watermarks.fail(format!(
                "the {} thread has panicked; the pipeline is closed",
                self.name
            ));
        }
        (self.ended)(&self.shared).store(true, Ordering::Release);
        for bed in &self.wake {
            bed.wake();
        }
        self.bell.ring();
    }
}

/// Builds pipelines.
#[derive(Debug)]
pub struct Pipeline;

impl Pipeline {
    /// Starts the threads on an opened journal. `wake` must make the gateway's poll return, from any
    /// thread; it is called only between [`Doors::prepare_sleep`] and the next wake-up.
    ///
    /// # Errors
    /// What the system says when a thread can't be started.
    pub fn start(
        opened: Opened,
        options: Options,
        clock: Clock,
        wake: Wake,
    ) -> io::Result<(Doors, PipelineHandle)> {
        let watermarks = Arc::new(Watermarks::new(opened.seq));
        watermarks.publish_deadline(opened.engine.next_deadline());
        let shared = Arc::new(Shared {
            watermarks: Arc::clone(&watermarks),
            stop: AtomicBool::new(false),
            kill: AtomicBool::new(false),
            engine_ended: AtomicBool::new(false),
            records_ended: AtomicBool::new(false),
            follower_ended: AtomicBool::new(false),
            writer_ended: AtomicBool::new(false),
        });
        let [engine_bed, writer_bed, follower_bed, relief_bed] =
            [(); 4].map(|()| Arc::new(Bed::default()));
        let bell = Arc::new(Bell::new(options.ack, wake));
        let (control_in, control) = ring(options.control_slots);
        let (orders_in, orders) = ring(options.orders_slots);
        let (outbound, outbound_out) = ring(options.outbound_slots.max(SLOTS_OF_A_COMMAND));
        let (journal, records) = ring(options.journal_slots);
        let (reports, reports_out) = ring(options.report_slots);
        let (notices, notices_out) = ring(NOTICES);
        let intake = Arc::new(Intake::new(records, options.journal_memory));
        // A reserve of more than half a ring would make a quiet one look busy.
        let reserve = options
            .reserve
            .min(journal.capacity() / 2)
            .min(outbound.capacity().saturating_sub(SLOTS_OF_A_COMMAND) / 2);

        let engine = EngineThread {
            engine: opened.engine,
            control,
            orders,
            outbound,
            journal,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&engine_bed),
            writer: Arc::clone(&writer_bed),
            intake: Arc::clone(&intake),
            relief: Arc::clone(&relief_bed),
            bell: Arc::clone(&bell),
            wait: options.engine_wait,
            reserve,
            seq: opened.seq,
            t: opened.t,
            progress: Progress::default(),
        };
        let writer = WriterThread {
            intake: Arc::clone(&intake),
            sink: opened.sink,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&writer_bed),
            engine: Arc::clone(&engine_bed),
            follower: Arc::clone(&follower_bed),
            bell: Arc::clone(&bell),
            clock: Arc::clone(&clock),
            wait: options.writer_wait,
        };
        let follower = FollowerThread::new(Belongings {
            follower: opened.follower,
            source: opened.tail,
            clerk: opened.clerk,
            reports,
            notices,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&follower_bed),
            writer: Arc::clone(&writer_bed),
            bell: Arc::clone(&bell),
            clock,
        });
        intake::spawn_relief(&intake, &shared, &relief_bed, &engine_bed)?;
        let guard = |name, ended: fn(&Shared) -> &AtomicBool, wake: &[&Arc<Bed>]| Guard {
            shared: Arc::clone(&shared),
            name,
            ended,
            wake: wake.iter().map(|bed| Arc::clone(bed)).collect(),
            bell: Arc::clone(&bell),
        };
        let engine_guard = guard("engine", |s| &s.engine_ended, &[&writer_bed]);
        let writer_guard = guard(
            "writer",
            |s| &s.writer_ended,
            &[&engine_bed, &follower_bed, &relief_bed],
        );
        let follower_guard = guard("follower", |s| &s.follower_ended, &[&writer_bed]);
        let handle = PipelineHandle {
            engine: spawn("engine", options.on_thread, move || {
                let _guard = engine_guard;
                engine.run()
            })?,
            writer: spawn("writer", options.on_thread, move || {
                let _guard = writer_guard;
                writer.run();
            })?,
            follower: spawn("follower", options.on_thread, move || {
                let _guard = follower_guard;
                follower.run();
            })?,
            beds: [
                Arc::clone(&engine_bed),
                writer_bed,
                Arc::clone(&follower_bed),
            ],
            shared,
        };
        let doors = Doors {
            control: Inlet {
                ring: control_in,
                engine: Arc::clone(&engine_bed),
            },
            orders: Inlet {
                ring: orders_in,
                engine: Arc::clone(&engine_bed),
            },
            outbound: Outlet {
                ring: outbound_out,
                filler: engine_bed,
            },
            reports: Outlet {
                ring: reports_out,
                filler: Arc::clone(&follower_bed),
            },
            notices: Outlet {
                ring: notices_out,
                filler: follower_bed,
            },
            archive: Some(Archive::new(opened.archive, Arc::clone(&watermarks))),
            watermarks,
            bell,
        };
        Ok((doors, handle))
    }
}

fn spawn<T: Send + 'static>(
    name: &'static str,
    on_thread: fn(&'static str),
    run: impl FnOnce() -> T + Send + 'static,
) -> io::Result<JoinHandle<T>> {
    thread::Builder::new()
        .name(format!("portcullis-{name}"))
        .spawn(move || {
            on_thread(name);
            run()
        })
}

/// What a pipeline that has stopped leaves behind.
pub struct Stopped {
    /// The engine as it was after the last command.
    pub engine: RiskEngine,
    /// Inbound commands that got a place in the sequence.
    pub taken: u64,
    /// Inbound commands dropped as applied before.
    pub dropped: u64,
    /// Last sequence.
    pub seq: u64,
}

impl fmt::Debug for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stopped")
            .field("taken", &self.taken)
            .field("dropped", &self.dropped)
            .field("seq", &self.seq)
            .finish_non_exhaustive()
    }
}

/// Why a pipeline did not stop cleanly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PipelineError {
    /// The journal could not be written.
    #[error("the journal has failed: {0}; exit, and look at the disk before the next start")]
    Failed(String),
    /// A thread has panicked.
    #[error("the {0} thread has panicked; the journal was left as after a crash")]
    Panicked(&'static str),
    /// The follower cannot read the journal back, or decides otherwise.
    #[error("the follower has stopped: {0}; run `portcullis-replay verify` on the journal")]
    Diverged(String),
}

/// Stops the pipeline.
#[derive(Debug)]
pub struct PipelineHandle {
    engine: JoinHandle<EngineStopped>,
    writer: JoinHandle<()>,
    follower: JoinHandle<()>,
    beds: [Arc<Bed>; 3],
    shared: Arc<Shared>,
}

impl PipelineHandle {
    /// Asks the threads to finish what is in the rings and to end. Push nothing any more, but keep
    /// draining the outbound ring until [`Self::is_finished`]: the engine needs the room.
    pub fn request_stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake_all();
    }

    /// Whether all threads have ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.engine.is_finished() && self.writer.is_finished() && self.follower.is_finished()
    }

    /// Waits for the threads.
    ///
    /// # Errors
    /// [`PipelineError`]: the stop was not clean.
    pub fn join(self) -> Result<Stopped, PipelineError> {
        let engine = self.engine.join();
        let writer = self.writer.join();
        let follower = self.follower.join();
        let engine = engine.map_err(|_| PipelineError::Panicked("engine"))?;
        writer.map_err(|_| PipelineError::Panicked("writer"))?;
        follower.map_err(|_| PipelineError::Panicked("follower"))?;
        let marks = &self.shared.watermarks;
        if let Some(text) = marks.failure() {
            return Err(PipelineError::Failed(text.to_owned()));
        }
        if let Some(text) = marks.diverged() {
            return Err(PipelineError::Diverged(text.to_owned()));
        }
        Ok(Stopped {
            engine: engine.engine,
            taken: engine.taken,
            dropped: engine.dropped,
            seq: engine.seq,
        })
    }

    /// Drains and stops: what is in the rings is decided, written and synced, and the journal marked
    /// as cleanly stopped. `drain` sees what still comes out.
    ///
    /// # Errors
    /// [`PipelineError`]: the stop was not clean.
    pub fn shutdown(
        self,
        doors: &Doors,
        mut drain: impl FnMut(Outbound),
    ) -> Result<Stopped, PipelineError> {
        self.request_stop();
        loop {
            let finished = self.is_finished();
            while let Some(outbound) = doors.outbound.pop() {
                drain(outbound);
            }
            if finished {
                return self.join();
            }
            while doors.reports.pop().is_some() {}
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// Ends the threads at once without writing or marking anything more, as a killed process would:
    /// for tests of recovery.
    pub fn kill(self) {
        self.shared.kill.store(true, Ordering::Release);
        self.request_stop();
        drop((self.engine.join(), self.writer.join(), self.follower.join()));
    }

    fn wake_all(&self) {
        for bed in &self.beds {
            bed.wake();
        }
    }
}

/// Makes a panic of any thread stop the process closed, naming the thread: nothing is decided or
/// acknowledged after it. The command that the engine had in hand is saved in the journal's directory, and
/// the next start refuses its session until somebody has released it. For programs; tests keep their
/// unwinding.
pub fn stop_closed_on_panic(journal: PathBuf) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let thread = thread::current();
        let name = thread.name().unwrap_or("without a name").to_owned();
        let saved = in_hand::save(&journal, &info.to_string());
        usual(info);
        eprintln!("portcullis: thread `{name}` broke an invariant; stopping closed");
        if let Some(saved) = saved {
            eprintln!(
                "portcullis: the command in hand is in {}; its session is refused until released: \
                 see `a command broke the engine` in docs/runbook.md",
                saved.display()
            );
        }
        std::process::abort();
    }));
}
