//! The client of both sides: one socket and one loop, the same for the server and the echo. They differ
//! only in what a message's answer must be, which the desk behind the line knows.
//!
//! Times of an open loop are measured from the *planned* time of a message: a client that waits for a
//! slow server and then measures from its late send would hide exactly what it came to see.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use hdrhistogram::Histogram;
use portcullis_client::Client;
use wire::codec::split_frame;

use super::books::Books;
use super::desk::{Answer, Asked, Desk};
use super::figures::{histogram, nanos, record};

/// How the client waits for bytes. The server's loop waits the same for both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// Asks again and again, yielding between.
    Yielding,
    /// Sleeps in `read`.
    Blocking,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yielding => "yielding",
            Self::Blocking => "blocking",
        })
    }
}

/// Later than this after its time, a send is late.
const LATE: Duration = Duration::from_micros(100);
/// More late sends in a thousand than these, and the figures would be the generator's.
const LATE_PER_MILLE_MAX: u64 = 10;
/// Bytes of requests that may wait in the client; more would be a send that is late anyway.
const OUTPUT_MAX: usize = 1 << 17;
/// After the end of a run, what should have been sent in it still is for so long, late.
const GRACE: Duration = Duration::from_millis(10);
/// How long the last answers of a run are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// One second of an open-loop run.
#[derive(Debug, Clone)]
pub struct Second {
    /// Latencies of the messages answered in it.
    pub latency: Histogram<u64>,
}

/// What an open-loop run found.
#[derive(Debug)]
pub struct Run {
    /// Messages a second, as planned.
    pub rate: u64,
    /// From planned time to answer, nanoseconds.
    pub latency: Histogram<u64>,
    /// The same by the second in which the answer came.
    pub seconds: Vec<Second>,
    /// Messages sent.
    pub sent: u64,
    /// Of these sent more than 100 µs after their time.
    pub late: u64,
    /// Messages that were still not sent when the run was over.
    pub unsent: u64,
    /// Refused for want of room.
    pub busy: u64,
    /// From the first planned time to the last answer.
    pub took: Duration,
}

impl Run {
    /// Why its percentiles mean nothing; `None` if they do.
    #[must_use]
    pub fn invalid(&self) -> Option<String> {
        if self.unsent > 0 {
            let planned = self.sent + self.unsent;
            return Some(format!(
                "{} of {planned} sends were not made in time",
                self.unsent
            ));
        }
        if self.busy > 0 {
            return Some(format!("{} messages were refused as Busy", self.busy));
        }
        if self.late * 1_000 > self.sent * LATE_PER_MILLE_MAX {
            let percent = 100.0 * self.late as f64 / self.sent.max(1) as f64;
            return Some(format!(
                "{percent:.1} % of {} sends were late by more than 100 µs",
                self.sent
            ));
        }
        None
    }
}

/// One connection.
#[derive(Debug)]
pub struct Line {
    stream: TcpStream,
    waiting: Waiting,
    /// Holds the session of a real server; `None` for the echo.
    session: Option<Client>,
    desk: Desk,
    open: VecDeque<(Asked, Instant)>,
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
}

impl Line {
    /// Takes over a connected socket, and the session that logged on over it.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(
        stream: TcpStream,
        waiting: Waiting,
        session: Option<Client>,
        desk: Desk,
    ) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_nonblocking(waiting == Waiting::Yielding)?;
        Ok(Self {
            stream,
            waiting,
            session,
            desk,
            open: VecDeque::with_capacity(1 << 16),
            input: vec![0; 1 << 18],
            filled: 0,
            output: Vec::with_capacity(1 << 18),
            written: 0,
        })
    }

    /// The desk's books.
    #[must_use]
    pub fn books(&self) -> Books {
        self.desk.books()
    }

    /// Messages refused for want of room so far.
    #[must_use]
    pub fn busy(&self) -> u64 {
        self.desk.busy()
    }

    /// Writes what the socket takes; whether nothing is left.
    fn flush(&mut self) -> anyhow::Result<bool> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => bail!("the server has closed the connection"),
                Ok(n) => self.written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error).context("writing to the server"),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once and settles what has come back; the number of answers.
    fn receive(
        &mut self,
        mut answered: impl FnMut(&Asked, Instant, Instant),
    ) -> anyhow::Result<usize> {
        match self.stream.read(&mut self.input[self.filled..]) {
            Ok(0) => bail!("the server has closed the connection"),
            Ok(n) => self.filled += n,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(error).context("reading from the server"),
        }
        let now = Instant::now();
        let (mut at, mut answers) = (0, 0);
        while let Some(frame) = split_frame(&self.input[at..self.filled])? {
            at += frame.len;
            // Session messages: heartbeats, and the echo's greeting.
            if frame.template_id < 100 {
                continue;
            }
            let Some((asked, planned)) = self.open.pop_front() else {
                bail!("message {} answers nothing", frame.template_id);
            };
            let answer = Answer {
                template_id: frame.template_id,
                block: frame.block,
            };
            match self.session {
                Some(_) => self.desk.answered(&asked, answer),
                None => self.desk.echoed(&asked, answer),
            }
            answered(&asked, planned, now);
            answers += 1;
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
        Ok(answers)
    }

    fn wait(&self) {
        if self.waiting == Waiting::Yielding {
            std::thread::yield_now();
        }
    }

    /// One new order, there and back; nanoseconds.
    ///
    /// # Errors
    /// The connection broke, or something came that answers nothing.
    pub fn order(&mut self) -> anyhow::Result<u64> {
        let start = Instant::now();
        let asked = self.desk.order(&mut self.output);
        self.open.push_back((asked, start));
        while !self.flush()? {
            self.wait();
        }
        let mut ns = 0;
        while self.receive(|_, planned, now| ns = nanos(now - planned))? == 0 {
            self.wait();
        }
        Ok(ns)
    }

    /// Ends live orders until no more than `most` are left, outside what is measured.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn end_orders_above(&mut self, most: usize) -> anyhow::Result<()> {
        while self.desk.live() > most || !self.open.is_empty() {
            for _ in 0..256 {
                if self.desk.live() <= most {
                    break;
                }
                if let Some(asked) = self.desk.end_one(&mut self.output) {
                    self.open.push_back((asked, Instant::now()));
                }
            }
            while !self.flush()? {
                self.wait();
            }
            let until = Instant::now() + PATIENCE;
            while !self.open.is_empty() {
                self.receive(|_, _, _| {})?;
                self.wait();
                if Instant::now() > until {
                    bail!("{} messages were not answered", self.open.len());
                }
            }
        }
        Ok(())
    }

    /// Messages at planned times.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn open_loop(&mut self, rate: u64, time: Duration) -> anyhow::Result<Run> {
        self.open_loop_from(Instant::now() + Duration::from_millis(1), rate, time)
    }

    /// [`Self::open_loop`] with its first message at `start`.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn open_loop_from(
        &mut self,
        start: Instant,
        rate: u64,
        time: Duration,
    ) -> anyhow::Result<Run> {
        let busy = self.desk.busy();
        let whole = time
            .as_secs()
            .saturating_add(u64::from(time.subsec_nanos() > 0));
        let mut run = Run {
            rate,
            latency: histogram(),
            seconds: (0..whole)
                .map(|_| Second {
                    latency: histogram(),
                })
                .collect(),
            sent: 0,
            late: 0,
            unsent: 0,
            busy: 0,
            took: Duration::ZERO,
        };
        let end = start + time;
        let give_up = end + PATIENCE;
        // Kept in picoseconds: whole nanoseconds would make 3 M/s 3.003 M/s.
        let interval_ps = 1_000_000_000_000 / rate.max(1);
        let planned_at =
            |n: u64| start + Duration::from_nanos(n.saturating_mul(interval_ps) / 1_000);
        let mut planned = start;
        loop {
            let now = Instant::now();
            let sending = planned < end && now < end + GRACE;
            while sending && planned <= now && planned < end && self.output.len() < OUTPUT_MAX {
                let asked = self.desk.next(&mut self.output);
                self.open.push_back((asked, planned));
                run.sent += 1;
                run.late += u64::from(now - planned > LATE);
                planned = planned_at(run.sent);
            }
            self.flush()?;
            let (latency, seconds) = (&mut run.latency, &mut run.seconds);
            self.receive(|_, planned, now| {
                let ns = nanos(now.saturating_duration_since(planned));
                record(latency, ns);
                let second = usize::try_from(now.saturating_duration_since(start).as_secs());
                if let Some(second) = second.ok().and_then(|n| seconds.get_mut(n)) {
                    record(&mut second.latency, ns);
                }
            })?;
            if (planned >= end && self.open.is_empty() && self.output.is_empty()) || now >= give_up
            {
                break;
            }
            self.wait();
        }
        run.took = start.elapsed();
        let planned = u64::try_from(time.as_nanos() * 1_000 / u128::from(interval_ps.max(1)))?;
        run.unsent = planned.saturating_sub(run.sent);
        run.busy = self.desk.busy() - busy;
        if !self.open.is_empty() {
            bail!(
                "{} messages had no answer {PATIENCE:?} after the run at {rate} a second",
                self.open.len()
            );
        }
        Ok(run)
    }

    /// `count` new orders and nothing else, `window` of them under way; how long until the last decision.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn orders(&mut self, count: usize, window: usize) -> anyhow::Result<Duration> {
        let start = Instant::now();
        let (mut sent, mut decided, mut heard) = (0, 0, start);
        while decided < count {
            while sent < count && self.open.len() < window && self.output.len() < OUTPUT_MAX {
                let asked = self.desk.order(&mut self.output);
                self.open.push_back((asked, start));
                sent += 1;
            }
            self.flush()?;
            match self.receive(|_, _, _| {})? {
                0 if heard.elapsed() > PATIENCE => {
                    bail!("{} orders were not answered", self.open.len())
                }
                0 => self.wait(),
                answers => {
                    decided += answers;
                    heard = Instant::now();
                }
            }
        }
        Ok(start.elapsed())
    }

    /// As many messages as go with `window` under way, for `time`; messages a second.
    ///
    /// # Errors
    /// As [`Self::order`].
    pub fn throughput(&mut self, window: usize, time: Duration) -> anyhow::Result<f64> {
        let start = Instant::now();
        let mut answered = 0_usize;
        loop {
            let over = start.elapsed() >= time;
            while !over && self.open.len() < window && self.output.len() < OUTPUT_MAX {
                let asked = self.desk.next(&mut self.output);
                self.open.push_back((asked, start));
            }
            self.flush()?;
            let answers = self.receive(|_, _, _| {})?;
            answered += answers;
            if over && self.open.is_empty() {
                break;
            }
            if over && start.elapsed() > time + PATIENCE {
                bail!("{} messages were not answered", self.open.len());
            }
            if answers == 0 {
                self.wait();
            }
        }
        Ok(answered as f64 / start.elapsed().as_secs_f64())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // The line wrote behind the client's back: only the socket is still good for anything.
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}
