//! Owns the threads of the middle and back office and the rings between them: start, wait, stop.
//! Leaves out sockets (the gateway's), decisions (`risk`) and files (`journal`).
//!
//! The engine has a thread of its own, or turns in the gateway's loop ([`Shape`]); the rings around it and
//! its code are the same.
//!
//! ```text
//! gateway ──control──▶ engine ──(sequence, command, decision)──▶ writer ──▶ journal ──▶ follower
//!         ──orders───▶        ──outbound──▶ gateway ◀──watermarks──┘          reports ──▶ gateway
//! ```
//! The engine never waits for the disk, the gateway never waits for anyone: every ring is bounded and
//! gives the value back when it is full, and nobody takes what it can't pass on. The one exception is a
//! small batch that every reply waits for, where both are one loop and the disk is quick: that loop writes
//! it (see `engine_seat`).

mod archive;
mod before_sync;
mod doors;
mod engine_loop;
mod engine_seat;
mod engine_thread;
mod follower_thread;
mod following;
mod in_hand;
mod intake;
mod options;
mod rings;
mod sink;
mod source;
mod sync;
mod wait;
#[cfg(test)]
mod wait_tests;
mod watermarks;
mod writer_thread;
mod writing;

pub use archive::{Archive, FindReach, Kept, OpenPast, Past, Reach};
pub use before_sync::BeforeSync;
pub use doors::{Doors, Inbound, Inlet, Outbound, Outlet, Wake};
pub use in_hand::{in_hand_file, sessions_in_hand};
pub use options::{Options, Shape};
pub use rings::{Consumer, Producer, ring};
pub use sink::{JournalSink, Sink, SinkError, Space};
pub use source::JournalTail;
pub use wait::Wait;
pub use watermarks::{AckPolicy, Watermarks};
pub use writer_thread::Clock;

use crate::recover::Opened;
use crate::risk::RiskEngine;
use doors::{Bell, EngineWaker};
use engine_loop::{EngineLoop, EngineStopped, Progress, SLOTS_OF_A_COMMAND};
use engine_seat::EngineSeat;
use engine_thread::EngineThread;
use follower_thread::FollowerThread;
use following::Following;
use intake::Intake;
use parking_lot::Mutex;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use wait::Bed;
use writer_thread::WriterThread;
use writing::Writing;

/// Slots of the clerk's notices; what does not fit is lost, and none is needed.
const NOTICES: usize = 64;

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
    /// Up to here the follower's thread has read records for the gateway's loop to apply.
    gathered: AtomicU64,
    /// Up to here the follower's thread has to follow by itself: somebody waits for it, or it alone can.
    called: AtomicU64,
}

impl Shared {
    fn killed(&self) -> bool {
        self.kill.load(Ordering::Acquire)
    }
}

/// Tells the others when a thread's work has ended; stops them closed when it ends by a panic (in builds
/// where a panic unwinds).
struct Guard {
    shared: Arc<Shared>,
    name: &'static str,
    ended: fn(&Shared) -> &AtomicBool,
    wake: Vec<Arc<Bed>>,
    bell: Arc<Bell>,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
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
        mut opened: Opened,
        options: Options,
        clock: Clock,
        wake: Wake,
    ) -> io::Result<(Doors, PipelineHandle)> {
        opened.engine.make_room();
        opened.follower.make_room();
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
            gathered: AtomicU64::new(0),
            called: AtomicU64::new(0),
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

        let engine = EngineLoop {
            engine: opened.engine,
            control,
            orders,
            outbound,
            journal,
            shared: Arc::clone(&shared),
            writer: Arc::clone(&writer_bed),
            intake: Arc::clone(&intake),
            relief: Arc::clone(&relief_bed),
            bell: Arc::clone(&bell),
            reserve,
            seq: opened.seq,
            t: opened.t,
            progress: Progress::new(),
        };
        let waker = match options.shape {
            Shape::Pipelined => EngineWaker::Thread(Arc::clone(&engine_bed)),
            Shape::Fused => EngineWaker::Gateway(Arc::clone(&bell)),
        };
        let writing = Arc::new(Mutex::new(Writing::new(
            opened.sink,
            Arc::clone(&intake),
            Arc::clone(&shared),
            (waker.clone(), Arc::clone(&bell)),
            Arc::clone(&clock),
        )));
        let writer = WriterThread {
            writing: Arc::clone(&writing),
            intake: Arc::clone(&intake),
            policy: options.ack,
            is_alone: options.shape == Shape::Pipelined || options.ack != AckPolicy::Durable,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&writer_bed),
            follower: Arc::clone(&follower_bed),
            wait: options.writer_wait,
        };
        let following = Arc::new(Mutex::new(Following {
            follower: opened.follower,
            source: opened.tail,
            clerk: opened.clerk,
            reports,
            notices,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&follower_bed),
            bell: Arc::clone(&bell),
            clock,
            answers: Vec::new(),
            failed: None,
        }));
        let follower = FollowerThread {
            following: Arc::clone(&following),
            is_shared: options.shape == Shape::Fused && options.ack == AckPolicy::Memory,
            shared: Arc::clone(&shared),
            bed: Arc::clone(&follower_bed),
            writer: Arc::clone(&writer_bed),
        };
        intake::spawn_relief(&intake, &shared, &relief_bed, waker)?;
        let guard = |name, ended: fn(&Shared) -> &AtomicBool, wake: &[&Arc<Bed>]| Guard {
            shared: Arc::clone(&shared),
            name,
            ended,
            wake: wake.iter().map(|bed| Arc::clone(bed)).collect(),
            bell: Arc::clone(&bell),
        };
        let name = match options.shape {
            Shape::Pipelined => "engine",
            Shape::Fused => "gateway",
        };
        let engine_guard = guard(name, |s| &s.engine_ended, &[&writer_bed]);
        let writer_guard = guard(
            "writer",
            |s| &s.writer_ended,
            &[&engine_bed, &follower_bed, &relief_bed],
        );
        let follower_guard = guard("follower", |s| &s.follower_ended, &[&writer_bed]);
        let (thread, seat) = match options.shape {
            Shape::Pipelined => {
                let thread = EngineThread {
                    engine,
                    bed: Arc::clone(&engine_bed),
                    wait: options.engine_wait,
                };
                let thread = spawn("engine", options.on_thread, move || {
                    let _guard = engine_guard;
                    thread.run()
                })?;
                (Some(thread), None)
            }
            Shape::Fused => {
                let follower = Arc::clone(&follower_bed);
                let seat = EngineSeat::new(engine, engine_guard, following, writing, follower);
                (None, Some(seat))
            }
        };
        let handle = PipelineHandle {
            engine: thread,
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
            seat,
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
    /// `None` where the engine turns in the gateway's loop.
    engine: Option<JoinHandle<EngineStopped>>,
    writer: JoinHandle<()>,
    follower: JoinHandle<()>,
    beds: [Arc<Bed>; 3],
    shared: Arc<Shared>,
}

impl PipelineHandle {
    fn request_stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake_all();
    }

    fn is_finished(&self) -> bool {
        let engine = self.engine.as_ref().is_none_or(JoinHandle::is_finished);
        engine && self.writer.is_finished() && self.follower.is_finished()
    }

    /// Waits for the threads; `seated` is what the engine has left that had none.
    fn join(self, seated: Option<EngineStopped>) -> Result<Stopped, PipelineError> {
        let engine = match self.engine {
            Some(thread) => thread.join().ok(),
            None => seated,
        };
        let writer = self.writer.join();
        let follower = self.follower.join();
        let engine = engine.ok_or(PipelineError::Panicked("engine"))?;
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
        doors: &mut Doors,
        mut drain: impl FnMut(Outbound),
    ) -> Result<Stopped, PipelineError> {
        self.request_stop();
        loop {
            let seated = doors.seat.as_mut().is_none_or(EngineSeat::finish);
            let finished = seated && self.is_finished();
            while let Some(outbound) = doors.outbound.pop() {
                drain(outbound);
            }
            if finished {
                let stopped = doors.seat.as_mut().and_then(EngineSeat::take_stopped);
                return self.join(stopped);
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
        drop(self.engine.map(JoinHandle::join));
        drop((self.writer.join(), self.follower.join()));
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
