//! Portcullis as one side of a comparison: the real server on its own journal, with one connection a desk.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use engine::pipeline::AckPolicy;
use gateway::bench::books::Books;
use gateway::bench::desk::Mix;
use gateway::bench::figures::{histogram, record};
use gateway::bench::firm::Shape;
use gateway::bench::line::{Line, Waiting};
use gateway::bench::servers::{Proof, RealServer, Start};
use hdrhistogram::Histogram;

use crate::orders::{ALL_ACCOUNTS, DESKS};
use crate::turns::{Side, TURN_MAX};

/// The server and the lines to it.
#[derive(Debug)]
pub(crate) struct Ours {
    server: RealServer,
    lines: Vec<Line>,
}

impl Ours {
    /// Starts it with `clients` connections, of a desk each.
    pub(crate) fn start(journal: &Path, ack: AckPolicy, clients: u32) -> Result<Self> {
        let start = Start::small(ack);
        let shape = Shape {
            desks: DESKS,
            accounts: ALL_ACCOUNTS,
            ..start.shape
        };
        let server = RealServer::start(journal, Start { shape, ..start })?;
        let lines = (1..=clients)
            .map(|desk| server.line_of_desk(desk, Waiting::Blocking, Mix::TRADING, 0))
            .collect::<Result<_>>()?;
        Ok(Self { server, lines })
    }

    /// Stops it; every decision must have been the one that the desks' books say.
    pub(crate) fn stop(self) -> Result<Proof> {
        let mut books = Books::default();
        for line in &self.lines {
            books.merge(&line.books());
        }
        drop(self.lines);
        self.server.stop(&books)
    }

    fn busy(&self) -> u64 {
        self.lines.iter().map(Line::busy).sum()
    }
}

impl Side for Ours {
    fn round_trips(&mut self, count: usize) -> Result<Option<Histogram<u64>>> {
        let busy = self.busy();
        let (mut turn, start) = (histogram(), Instant::now());
        for _ in 0..count {
            if start.elapsed() > TURN_MAX {
                break;
            }
            record(&mut turn, self.lines[0].order()?);
        }
        Ok((self.busy() == busy).then_some(turn))
    }

    fn burst(&mut self, count: usize, window: usize) -> Result<Option<Duration>> {
        let busy = self.busy();
        let clients = self.lines.len();
        let (count, window) = (count / clients, (window / clients).max(1));
        let took = match self.lines.as_mut_slice() {
            [line] => line.orders(count, window)?,
            lines => {
                let start = Instant::now();
                std::thread::scope(|scope| {
                    let threads: Vec<_> = lines
                        .iter_mut()
                        .map(|line| scope.spawn(move || line.orders(count, window)))
                        .collect();
                    threads.into_iter().try_for_each(|thread| {
                        let ended = thread.join();
                        ended
                            .map_err(|_| anyhow!("a client has panicked"))?
                            .map(drop)
                    })
                })?;
                start.elapsed()
            }
        };
        Ok((self.busy() == busy).then_some(took))
    }

    fn settle(&mut self) -> Result<()> {
        self.lines
            .iter_mut()
            .try_for_each(|line| line.end_orders_above(0))
    }
}
