//! PostgreSQL with the check as one function, with and without a sync before each answer (P13). Each client
//! has one prepared statement under way, a transaction each: two statements of one transaction would
//! share their fate.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use ::postgres::{Client, NoTls, Statement};
use anyhow::{Context, Result, anyhow, ensure};
use engine::pipeline::AckPolicy;
use gateway::bench::Settings;
use gateway::bench::figures::{histogram, nanos, record};
use gateway::bench::report::Report;
use hdrhistogram::Histogram;

use crate::orders::{
    ALL_ACCOUNTS, COLLAR, DESKS, GROSS_MAX, INSTRUMENTS, Order, Orders, POSITION_MAX, QTY_MAX,
    REFERENCE, VALUE_MAX,
};
use crate::ours::Ours;
use crate::servers::{self, Server, Started};
use crate::turns::{Load, Side, TURN_MAX, round_trips, throughput};

const CHECK: &str = "SELECT check_order($1, $2, $3, $4, $5, $6, $7)";

/// One connection.
struct Asking {
    client: Client,
    check: Statement,
    orders: Orders,
}

impl Asking {
    fn connect(server: &Server, desk: u32, sync: bool) -> Result<Self> {
        let address = format!(
            "host=127.0.0.1 port={} user=bench dbname=postgres",
            server.port
        );
        let mut client = Client::connect(&address, NoTls)?;
        let sync = if sync { "on" } else { "off" };
        client.batch_execute(&format!("SET synchronous_commit = {sync}"))?;
        let check = client.prepare(CHECK)?;
        Ok(Self {
            client,
            check,
            orders: Orders::new(desk),
        })
    }

    fn ask(&mut self, firm: bool) -> Result<()> {
        let order = self.orders.next();
        let row = self.client.query_one(
            &self.check,
            &[
                &i32::try_from(order.account)?,
                &i32::try_from(order.instrument)?,
                &order.side,
                &order.price,
                &order.qty,
                &i64::try_from(order.id)?,
                &firm,
            ],
        )?;
        right(&order, row.try_get(0)?)
    }
}

fn right(order: &Order, code: i32) -> Result<()> {
    ensure!(
        i64::from(code) == order.code,
        "PostgreSQL answered {code}, not {}: {order:?}",
        order.code
    );
    Ok(())
}

/// All connections to one server.
struct Postgres {
    clients: Vec<Asking>,
    /// Whether the check has a limit of the firm in it.
    firm: bool,
}

impl Postgres {
    fn connect(server: &Server, clients: u32, sync: bool, firm: bool) -> Result<Self> {
        let mut postgres = Self {
            clients: (1..=clients)
                .map(|desk| Asking::connect(server, desk, sync))
                .collect::<Result<_>>()?,
            firm,
        };
        postgres.forget()?;
        Ok(postgres)
    }

    fn forget(&mut self) -> Result<()> {
        let (accounts, instruments) = (i32::try_from(ALL_ACCOUNTS)?, i32::try_from(INSTRUMENTS)?);
        let client = &mut self.clients[0].client;
        client.execute("SELECT forget($1, $2)", &[&accounts, &instruments])?;
        Ok(())
    }
}

impl Side for Postgres {
    fn round_trips(&mut self, count: usize) -> Result<Option<Histogram<u64>>> {
        let (mut turn, begun) = (histogram(), Instant::now());
        for _ in 0..count {
            if begun.elapsed() > TURN_MAX {
                break;
            }
            let start = Instant::now();
            self.clients[0].ask(self.firm)?;
            record(&mut turn, nanos(start.elapsed()));
        }
        Ok(Some(turn))
    }

    fn burst(&mut self, count: usize, window: usize) -> Result<Option<Duration>> {
        let (firm, each) = (self.firm, count / self.clients.len());
        ensure!(
            window == self.clients.len(),
            "a client has one statement under way"
        );
        let all_there = Barrier::new(window + 1);
        let took = std::thread::scope(|scope| -> Result<Duration> {
            let threads: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| {
                    let all_there = &all_there;
                    scope.spawn(move || {
                        all_there.wait();
                        (0..each).try_for_each(|_| client.ask(firm))
                    })
                })
                .collect();
            all_there.wait();
            let start = Instant::now();
            for thread in threads {
                thread
                    .join()
                    .map_err(|_| anyhow!("a client has panicked"))??;
            }
            Ok(start.elapsed())
        })?;
        Ok(Some(took))
    }

    fn settle(&mut self) -> Result<()> {
        let (mut accepted, mut reserved) = (0, 0);
        for client in &mut self.clients {
            let books = client.orders.take_books();
            (accepted, reserved) = (accepted + books.0, reserved + books.1);
        }
        let row = self.clients[0].client.query_one(
            "SELECT count(*), coalesce(sum(value), 0)::bigint, (SELECT sum(value)::bigint FROM gross) FROM orders",
            &[],
        )?;
        let held: (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        ensure!(
            held == (accepted, reserved, reserved),
            "PostgreSQL holds {held:?}: orders and cents; its clients say {accepted} and {reserved}"
        );
        self.forget()
    }
}

/// PostgreSQL beside Portcullis.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let title = "P13: PostgreSQL, the check as one function, beside Portcullis";
    let mut report = Report::open("peers-postgres", title, settings.quick);
    settings.conditions(&mut report)?;
    let disk = settings.directory()?;
    let server = match servers::postgres(disk.path())? {
        Started::Running(server) => server,
        Started::Skipped(reason) => {
            report.note(format!("SKIPPED: {reason}"));
            return report.write(&settings.out);
        }
    };
    define(&server).context("PostgreSQL")?;
    for (sync, ack) in [(true, AckPolicy::Durable), (false, AckPolicy::Memory)] {
        compare(&mut report, settings, disk.path(), &server, sync, ack)?;
    }
    drop(server);
    report.write(&settings.out)
}

fn define(server: &Server) -> Result<()> {
    let address = format!(
        "host=127.0.0.1 port={} user=bench dbname=postgres",
        server.port
    );
    let mut client = Client::connect(&address, NoTls)?;
    client.batch_execute(include_str!("check.sql"))?;
    client.batch_execute(&format!(
        "INSERT INTO limits VALUES ({QTY_MAX}, {VALUE_MAX}, {COLLAR}, {POSITION_MAX}, {POSITION_MAX}, {GROSS_MAX}, {GROSS_MAX});
         INSERT INTO reference SELECT i, {REFERENCE} FROM generate_series(1, {INSTRUMENTS}) i"
    ))?;
    Ok(())
}

fn compare(
    report: &mut Report,
    settings: &Settings,
    disk: &Path,
    server: &Server,
    sync: bool,
    ack: AckPolicy,
) -> Result<()> {
    let kept = match sync {
        true => "sync on, ack=durable",
        false => "sync off, ack=memory",
    };
    let clients = DESKS as usize;
    let mut ours = Ours::start(&disk.join(format!("ours-postgres-{ack:?}")), ack, DESKS)?;

    let mut theirs = Postgres::connect(server, 1, sync, true)?;
    let name = format!("{kept}: 1 client");
    let sides = (&mut ours, &mut theirs);
    round_trips(report, settings, &name, 1_000, sides, 0.5)?;
    drop(theirs);

    let one_each = |orders| Load {
        orders,
        window: clients,
    };
    for firm in [true, false] {
        let mut theirs = Postgres::connect(server, DESKS, sync, firm)?;
        let name = match firm {
            true => format!("{kept}: 16 clients"),
            false => format!("{kept}: 16 clients, no limit of the firm in PostgreSQL"),
        };
        let orders = if sync { 1_600 } else { 3_200 };
        throughput(
            report,
            settings,
            &format!("{name}, each with one order under way"),
            (&mut ours, one_each(8_000)),
            (&mut theirs, one_each(orders)),
            50.0,
        )?;
        throughput(
            report,
            settings,
            &format!("{name}, ours with 128 each"),
            (
                &mut ours,
                Load {
                    orders: 20_000,
                    window: 128 * clients,
                },
            ),
            (&mut theirs, one_each(orders)),
            50.0,
        )?;
    }
    let proof = ours.stop()?;
    report.note(format!(
        "all decisions right; {} records decided again, all equal",
        proof.records
    ));
    Ok(())
}
