//! The honest desk: sends at planned times, measures from the planned time, misses no answer.

use std::fmt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use portcullis_client::{Client, Event, Options};
use wire::{Capacity, E8, NewOrder, OrdType, Price, Qty, Reply, Side, TimeInForce};

use super::server::Server;

/// Between two orders.
const PERIOD: Duration = Duration::from_millis(1);
/// Between two looks for answers.
const LOOKS: Duration = Duration::from_micros(20);
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn order(cl_ord_id: u64) -> NewOrder {
    NewOrder {
        cl_ord_id,
        price: Price(100 * E8),
        qty: Qty(E8),
        account: 1,
        instrument_id: 1,
        trader_id: 1,
        side: Side::Buy,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// Round trips in nanoseconds.
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Self {
        Self(Histogram::new(3).unwrap())
    }

    /// Takes another one's in.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.add(&other.0).unwrap();
    }

    /// In microseconds.
    fn at(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.0.value_at_quantile(quantile)).as_secs_f64() * 1e6
    }

    pub(crate) fn p99(&self) -> f64 {
        self.at(0.99)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!(
            "p50 {:6.0} p99 {:6.0} p99.9 {:7.0} µs n {}",
            self.at(0.5),
            self.p99(),
            self.at(0.999),
            self.0.len()
        );
        write!(f, "{text:46}")
    }
}

/// A desk that behaves.
pub(crate) struct Honest {
    client: Client,
    sent: u64,
}

impl Honest {
    pub(crate) fn connect(server: &Server) -> Self {
        Self::connect_as(server, 1)
    }

    /// Tries until it is let in.
    pub(crate) fn connect_as(server: &Server, session_id: u32) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let credentials = server.credentials(session_id);
            // While an attack is made ready nobody beats for it.
            let options = Options {
                keep_alive: Duration::from_secs(60),
                ..Options::default()
            };
            match Client::connect(server.address, credentials, options) {
                Ok(mut client) => {
                    client.set_nonblocking(true).unwrap();
                    return Self { client, sent: 0 };
                }
                Err(error) => assert!(Instant::now() < deadline, "never let in: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends an order a period, and has every answer before it returns.
    pub(crate) fn trade(&mut self, phase: Duration, latencies: &mut Latencies) {
        let begun = Instant::now();
        let (first, mut answered) = (self.sent, 0);
        let count = u64::try_from(phase.as_micros() / PERIOD.as_micros()).unwrap();
        let planned = |n: u64| begun + PERIOD * u32::try_from(n).unwrap();
        while answered < count {
            let now = Instant::now();
            assert!(now < begun + phase + PATIENCE, "answers are missing");
            while self.sent - first < count && planned(self.sent - first) <= now {
                self.sent += 1;
                self.client.send(order(self.sent)).unwrap();
            }
            if let Some(Event::Reply(reply)) = self.client.recv(Duration::ZERO).unwrap() {
                let cl_ord_id = match reply {
                    Reply::OrderRejected(m) => m.cl_ord_id,
                    Reply::OrderAccepted(m) => m.cl_ord_id,
                    other => panic!("{other:?}"),
                };
                assert_eq!(
                    cl_ord_id,
                    first + answered + 1,
                    "each answer once, in order"
                );
                let latency = planned(answered).elapsed();
                latencies
                    .0
                    .record(u64::try_from(latency.as_nanos()).unwrap())
                    .unwrap();
                answered += 1;
            } else {
                // A socket's own timeouts are as coarse as the kernel's ticks, some milliseconds: that
                // would hide what is looked for.
                std::thread::sleep(LOOKS);
            }
        }
    }

    pub(crate) fn finish(mut self) {
        assert_eq!(
            self.client.next_expected(),
            self.sent + 1,
            "no reply is missing"
        );
        self.client.terminate().unwrap();
    }
}
