//! Redis with the check as one Lua script, without a file and with one that is synced before each answer
//! (P13). A client has one connection, and a request is what `EVALSHA` takes.

use std::path::Path;
use std::time::{Duration, Instant};

use ::redis::{Cmd, Connection, ConnectionAddr, Script, Value, from_redis_value};
use anyhow::{Context, Result, ensure};
use engine::pipeline::AckPolicy;
use gateway::bench::Settings;
use gateway::bench::figures::{histogram, nanos, record};
use gateway::bench::report::Report;
use hdrhistogram::Histogram;

use crate::orders::{
    COLLAR, GROSS_MAX, INSTRUMENTS, Order, Orders, POSITION_MAX, QTY_MAX, REFERENCE, VALUE_MAX,
};
use crate::ours::Ours;
use crate::servers::{self, Server, Started};
use crate::turns::{Load, Side, TURN_MAX, round_trips, throughput};

struct Redis {
    connection: Connection,
    script: Script,
    orders: Orders,
    /// Lives as long as the connection is used.
    _server: Box<Server>,
}

impl Redis {
    fn connect(server: Box<Server>) -> Result<Self> {
        let address = ConnectionAddr::Tcp("127.0.0.1".to_owned(), server.port);
        let mut redis = Self {
            connection: ::redis::Client::open(address)?.get_connection()?,
            script: Script::new(include_str!("check.lua")),
            orders: Orders::new(1),
            _server: server,
        };
        redis.prepare()?;
        Ok(redis)
    }

    /// Limits and references of an empty database.
    fn prepare(&mut self) -> Result<()> {
        let mut limits = ::redis::cmd("HSET");
        limits.arg("limits");
        for (name, value) in [
            ("qty", QTY_MAX),
            ("value", VALUE_MAX),
            ("collar", COLLAR),
            ("long", POSITION_MAX),
            ("short", POSITION_MAX),
            ("gross", GROSS_MAX),
            ("firm", GROSS_MAX),
        ] {
            limits.arg(name).arg(value);
        }
        limits.query::<i64>(&mut self.connection)?;
        let mut references = ::redis::cmd("HSET");
        references.arg("reference");
        for instrument in 1..=INSTRUMENTS {
            references.arg(instrument).arg(REFERENCE);
        }
        references.query::<i64>(&mut self.connection)?;
        self.script.prepare_invoke().load(&mut self.connection)?;
        Ok(())
    }

    fn request(&self, order: &Order) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command.arg(self.script.get_hash()).arg(0);
        command.arg(order.account).arg(order.instrument);
        command.arg(order.side).arg(order.price).arg(order.qty);
        command.arg(order.id);
        command
    }
}

fn right(order: &Order, code: i64) -> Result<()> {
    ensure!(
        code == order.code,
        "Redis answered {code}, not {}: {order:?}",
        order.code
    );
    Ok(())
}

impl Side for Redis {
    fn round_trips(&mut self, count: usize) -> Result<Option<Histogram<u64>>> {
        let (mut turn, begun) = (histogram(), Instant::now());
        for _ in 0..count {
            if begun.elapsed() > TURN_MAX {
                break;
            }
            let order = self.orders.next();
            let start = Instant::now();
            let code = self.request(&order).query(&mut self.connection)?;
            record(&mut turn, nanos(start.elapsed()));
            right(&order, code)?;
        }
        Ok(Some(turn))
    }

    /// Half the window is written while the other half is decided: Redis is never without work.
    fn burst(&mut self, count: usize, window: usize) -> Result<Option<Duration>> {
        let half = (window / 2).max(1);
        let mut waiting = std::collections::VecDeque::with_capacity(window);
        let mut bytes = Vec::new();
        let start = Instant::now();
        let mut sent = 0;
        while sent < count || !waiting.is_empty() {
            while sent < count && waiting.len() + half <= window {
                bytes.clear();
                for _ in 0..half.min(count - sent) {
                    let order = self.orders.next();
                    self.request(&order).write_packed_command(&mut bytes);
                    waiting.push_back(order);
                    sent += 1;
                }
                self.connection.send_packed_command(&bytes)?;
            }
            for order in waiting.drain(..half.min(waiting.len())) {
                let answer: Value = self.connection.recv_response()?;
                right(&order, from_redis_value(answer)?)?;
            }
        }
        Ok(Some(start.elapsed()))
    }

    fn settle(&mut self) -> Result<()> {
        let (_, reserved) = self.orders.take_books();
        let firm: i64 = ::redis::cmd("GET")
            .arg("firm")
            .query(&mut self.connection)?;
        ensure!(
            firm == reserved,
            "Redis reserves {firm} cents, its client says {reserved}"
        );
        ::redis::cmd("FLUSHALL").query::<()>(&mut self.connection)?;
        self.prepare()
    }
}

/// Redis beside Portcullis.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let title = "P13: Redis, the check as one Lua script, beside Portcullis";
    let mut report = Report::open("peers-redis", title, settings.quick);
    settings.conditions(&mut report)?;
    let disk = settings.directory()?;
    for (always, ack) in [(false, AckPolicy::Memory), (true, AckPolicy::Durable)] {
        let server = match servers::redis(disk.path(), always)? {
            Started::Running(server) => server,
            Started::Skipped(reason) => {
                report.note(format!("SKIPPED: {reason}"));
                return report.write(&settings.out);
            }
        };
        let kept = match always {
            true => "AOF always, ack=durable",
            false => "no AOF, ack=memory",
        };
        compare(&mut report, settings, disk.path(), kept, server, ack)?;
    }
    report.write(&settings.out)
}

fn compare(
    report: &mut Report,
    settings: &Settings,
    disk: &Path,
    kept: &str,
    server: Box<Server>,
    ack: AckPolicy,
) -> Result<()> {
    let mut theirs = Redis::connect(server).context("Redis")?;
    let mut ours = Ours::start(&disk.join(format!("ours-redis-{ack:?}")), ack, 1)?;
    let sides = (&mut ours, &mut theirs);
    round_trips(report, settings, kept, 2_000, sides, 0.5)?;
    for window in [64, 2_048] {
        let load = |orders| Load { orders, window };
        throughput(
            report,
            settings,
            &format!("{kept}: {window} under way"),
            (&mut ours, load(20_000)),
            (&mut theirs, load(8_000)),
            8.0,
        )?;
    }
    let proof = ours.stop()?;
    report.note(format!(
        "all decisions right; {} records decided again, all equal",
        proof.records
    ));
    Ok(())
}
