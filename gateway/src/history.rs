//! What a session was sent before its log in memory begins: derived again from the journal, on a thread
//! of its own. Leaves out which connection asks, and what of it may leave.
//!
//! The journal holds commands and decisions, not messages. So the thread decides the journal again with
//! an engine of its own (as a start does), and picks the messages of the session that it is asked for.
//! Nothing is kept that could differ from the journal, and the time goes with the length of the journal.
//! One request is served at a time: that bounds memory (one engine, a few chunks) and the processor time
//! that desks can ask for. A peer that takes no chunk for the stall limit gives its place up.
//!
//! How far back the journal goes is found on a second thread, so that a logon never waits for another
//! session's replay.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use engine::pipeline::{Archive, FindReach, Past, Reach};

use crate::clock::Clock;
use crate::outbound::{Marks, write_marked};

/// Bytes after which a chunk is handed over.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that may wait for their connection.
const CHUNKS: usize = 4;
/// Between two looks at a journal that has no more durable records yet.
const NAP: Duration = Duration::from_millis(1);

/// Some whole frames, without gaps.
#[derive(Debug)]
pub struct Chunk {
    /// Number of the first.
    pub first: u64,
    /// Number of the one after the last.
    pub next: u64,
    /// The frames, marked as they leave.
    pub bytes: Vec<u8>,
}

/// Why there are no more chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The peer took none for too long, or the server stops.
    GivenUp,
    /// The journal can't be read back.
    Unreadable(String),
}

/// One request under way; dropping it ends it.
#[derive(Debug)]
pub struct Recall {
    chunks: Receiver<Result<Chunk, String>>,
    _wanted: Arc<()>,
}

impl Recall {
    /// The next chunk, if it is there already.
    ///
    /// # Errors
    /// [`Lost`]: no more will come.
    pub fn next(&self) -> Result<Option<Chunk>, Lost> {
        match self.chunks.try_recv() {
            Ok(Ok(chunk)) => Ok(Some(chunk)),
            Ok(Err(text)) => Err(Lost::Unreadable(text)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Lost::GivenUp),
        }
    }
}

/// A question for the first message of a session that the journal still tells, under way.
#[derive(Debug)]
pub struct Oldest(Receiver<Result<u64, String>>);

impl Oldest {
    /// The answer, if it is there already.
    #[must_use]
    pub fn answer(&self) -> Option<Result<u64, String>> {
        match self.0.try_recv() {
            Ok(answer) => Some(answer),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("the server stops".to_owned())),
        }
    }
}

type Question = (u32, Sender<Result<u64, String>>);

#[derive(Debug)]
struct Request {
    session_id: u32,
    from: u64,
    /// Messages below this were there before the connection.
    live_from: u64,
    chunks: Sender<Result<Chunk, String>>,
    wanted: Weak<()>,
}

/// The threads.
#[derive(Debug)]
pub struct History {
    requests: Option<Sender<Request>>,
    questions: Option<Sender<Question>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl History {
    /// Starts the threads; `wake` is called after each chunk and each answer.
    ///
    /// # Errors
    /// What the system says when a thread can't be started.
    pub fn start(
        mut archive: Archive,
        clock: Arc<dyn Clock>,
        route_max_age: u64,
        stall: Duration,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> std::io::Result<Self> {
        let (requests, inbox) = unbounded();
        let (questions, asked) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        if let Some(reach) = archive.reach() {
            let wake = Arc::clone(&wake);
            let thread = thread::Builder::new().name("portcullis-reach".to_owned());
            threads.push(thread.spawn(move || answer(&reach, &asked, &*wake))?);
        }
        let mut reader = Reader {
            archive,
            clock,
            route_max_age,
            stall,
            wake,
            stop: Arc::clone(&stop),
        };
        let thread = thread::Builder::new().name("portcullis-history".to_owned());
        threads.push(thread.spawn(move || {
            for request in inbox {
                reader.serve(&request);
            }
        })?);
        Ok(Self {
            requests: Some(requests),
            questions: Some(questions),
            stop,
            threads,
        })
    }

    /// Asks for the first message of a session that [`History::recall`] can tell.
    #[must_use]
    pub fn oldest(&self, session_id: u32) -> Oldest {
        let (sender, answer) = bounded(1);
        if let Some(questions) = &self.questions {
            // A thread that has gone drops the sender, which the receiver sees.
            drop(questions.send((session_id, sender)));
        }
        Oldest(answer)
    }

    /// Asks for the messages of a session from number `from` on, without end: drop the [`Recall`] when
    /// the log in memory has taken over.
    #[must_use]
    pub fn recall(&self, session_id: u32, from: u64, live_from: u64) -> Recall {
        let (sender, chunks) = bounded(CHUNKS);
        let wanted = Arc::new(());
        if let Some(requests) = &self.requests {
            // A thread that has gone drops the sender, which the receiver sees.
            drop(requests.send(Request {
                session_id,
                from,
                live_from,
                chunks: sender,
                wanted: Arc::downgrade(&wanted),
            }));
        }
        Recall {
            chunks,
            _wanted: wanted,
        }
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        (self.requests, self.questions) = (None, None);
        for thread in self.threads.drain(..) {
            // A panic there has been reported by the hook already.
            drop(thread.join());
        }
    }
}

/// Answers until nobody can ask any more. A snapshot is read once, however many ask.
fn answer(reach: &FindReach, asked: &Receiver<Question>, wake: &(dyn Fn() + Send + Sync)) {
    let mut known = Reach::default();
    for (session_id, sender) in asked {
        let found = reach(&known).map(|now| {
            known = now;
            known.first_of(session_id)
        });
        // Who asked may have gone.
        drop(sender.send(found));
        wake();
    }
}

struct Reader {
    archive: Archive,
    clock: Arc<dyn Clock>,
    route_max_age: u64,
    stall: Duration,
    wake: Arc<dyn Fn() + Send + Sync>,
    stop: Arc<AtomicBool>,
}

impl Reader {
    fn serve(&mut self, request: &Request) {
        if !self.is_wanted(request) {
            return;
        }
        let streamed = self
            .archive
            .past(request.session_id, request.from)
            .and_then(|mut past| self.stream(&mut past, request));
        if let Err(text) = streamed {
            tracing::error!(
                session = request.session_id,
                text,
                "the journal can't be read back for a replay"
            );
            drop(request.chunks.send_timeout(Err(text), self.stall));
            (self.wake)();
        }
    }

    fn is_wanted(&self, request: &Request) -> bool {
        request.wanted.strong_count() > 0 && !self.stop.load(Ordering::Acquire)
    }

    /// Sends chunks until nobody wants them any more.
    fn stream(&self, past: &mut Past, request: &Request) -> Result<(), String> {
        let empty = |first| Chunk {
            first,
            next: first,
            bytes: Vec::with_capacity(CHUNK_BYTES),
        };
        let mut chunk = empty(request.from);
        while self.is_wanted(request) {
            let Some(sent) = past.advance()? else {
                if !self.hand_over(&mut chunk, request) {
                    return Ok(());
                }
                thread::sleep(NAP);
                continue;
            };
            for outgoing in sent {
                let number = outgoing.reply.seq_no();
                if outgoing.session_id != request.session_id || number < chunk.next {
                    continue;
                }
                if number != chunk.next {
                    return Err(format!(
                        "message {number} of session {} follows {}",
                        request.session_id, chunk.next
                    ));
                }
                // A chunk ends where the replay does: ReplayComplete goes in between.
                if (chunk.bytes.len() >= CHUNK_BYTES || number == request.live_from)
                    && !self.hand_over(&mut chunk, request)
                {
                    return Ok(());
                }
                let marks = Marks {
                    again: number < request.live_from,
                    stale_before: self.clock.now().saturating_sub(self.route_max_age),
                };
                write_marked(&outgoing.reply, marks, &mut chunk.bytes);
                chunk.next += 1;
            }
        }
        Ok(())
    }

    /// Hands a chunk over, if there is anything in it; false if nobody takes it.
    fn hand_over(&self, chunk: &mut Chunk, request: &Request) -> bool {
        if chunk.bytes.is_empty() {
            return true;
        }
        let next = Chunk {
            first: chunk.next,
            next: chunk.next,
            bytes: Vec::with_capacity(CHUNK_BYTES),
        };
        let full = std::mem::replace(chunk, next);
        let taken = request.chunks.send_timeout(Ok(full), self.stall).is_ok();
        (self.wake)();
        taken
    }
}
