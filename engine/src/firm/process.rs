//! `[journal]`, `[threads]`, `[memory]`, `[listen]`, `[day]`, `[limits_per_session]`: what lives in the file alone.

use super::section::Section;
use crate::clerk::Retention;
use crate::pipeline::Shape;
use crate::text::ACK;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use wire::layout::EnumDef;

/// When a reply leaves; journalled at each start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// Its batch is on the disk. Nothing acknowledged is lost.
    #[default]
    Durable,
    /// Its batch has been handed to the kernel. A power failure loses the unsynced tail.
    Written,
    /// It is decided. A crash of the process loses the unwritten tail.
    Memory,
}

impl Ack {
    /// The number in the `Started` record.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Durable => 1,
            Self::Written => 2,
            Self::Memory => 3,
        }
    }
}

/// Who opens the trading day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DayOpening {
    /// Ops, after loading positions.
    #[default]
    Manual,
    /// The server at its start, with the positions the journal has.
    Auto,
}

static SHAPE: EnumDef = EnumDef {
    name: "shape",
    doc: "On which thread the engine turns.",
    values: &[
        ("pipelined", 0, "One of its own."),
        ("fused", 1, "The gateway's."),
    ],
};

static DAY_OPENING: EnumDef = EnumDef {
    name: "day opening",
    doc: "Who opens the trading day.",
    values: &[
        ("manual", 0, "Ops, after loading positions."),
        ("auto", 1, "The server at its start."),
    ],
};

/// What lives in the file alone: it never changes a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessConfig {
    /// Where the journal is; relative to the data directory.
    pub journal_dir: PathBuf,
    /// When a reply leaves.
    pub ack: Ack,
    /// Size of a journal segment in bytes.
    pub segment_size: u64,
    /// Bytes of memory for records that are decided while the disk is busy.
    pub journal_memory: u64,
    /// Records between two snapshots; 0 for none.
    pub snapshot_every: u64,
    /// The file of chain heads, relative to the data directory; `None` for none.
    pub heads: Option<PathBuf>,
    /// What of the journal is removed.
    pub retention: Retention,
    /// Whether the venues are asked to cancel all inline orders when the journal fails.
    pub cancel_on_failure: bool,
    /// Where the gateway listens; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Whether it may listen off loopback without TLS.
    pub plaintext_off_loopback: bool,
    /// Certificate and key, where connections speak TLS.
    pub tls: Option<TlsPaths>,
    /// Who opens the trading day.
    pub day_open: DayOpening,
    /// Rings and waits; what is not said is the pipeline's choice.
    pub threads: Threads,
    /// How the process holds its memory.
    pub memory: Memory,
    /// What one peer may use.
    pub session: SessionLimits,
}

/// Files of TLS; relative to the data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsPaths {
    /// The server's certificate chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Authorities of the clients' certificates; without it clients need none.
    pub client_authorities: Option<PathBuf>,
}

/// Rings and waits of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threads {
    /// On which thread the engine turns; without it the number of cores decides.
    pub shape: Option<Shape>,
    /// Slots of the orders ring.
    pub orders_ring: Option<usize>,
    /// Slots of the control ring.
    pub control_ring: Option<usize>,
    /// Slots of the ring to the journal's writer.
    pub journal_ring: Option<usize>,
    /// Rounds that the engine spins before it yields.
    pub engine_spins: Option<u32>,
    /// Rounds that the engine yields before it sleeps.
    pub engine_yields: Option<u32>,
    /// Cores of the I/O, the engine and the writer thread; without it the system chooses. The second is not
    /// used where the engine turns on the I/O thread.
    pub pin: Option<[u16; 3]>,
}

/// How the process holds its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Whether all of it is locked in RAM; a start that may not lock it is refused.
    pub lock: bool,
    /// Whether the tables ask for large pages.
    pub large_pages: bool,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            lock: false,
            large_pages: true,
        }
    }
}

/// What one session, one address and all of them may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Messages a second of one session.
    pub max_messages_per_second: u32,
    /// Bytes that may wait for a slow reader before it is disconnected.
    pub output_buffer: u64,
    /// Bytes of sent messages kept in memory for each session; older ones are read from the journal.
    pub outbound_window: u64,
    /// The same for all sessions together: each has an equal share at most.
    pub outbound_windows: u64,
    /// Bytes that may wait for all slow readers together.
    pub output_buffers: u64,
    /// Routed requests older than this are marked as stale.
    pub route_max_age: Duration,
    /// Time to log on.
    pub logon_timeout: Duration,
    /// Connections in all.
    pub connections: u32,
    /// Connections of one address.
    pub connections_per_address: u32,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            max_messages_per_second: 1_000_000,
            output_buffer: 1 << 20,
            outbound_window: 16 << 20,
            outbound_windows: 512 << 20,
            output_buffers: 256 << 20,
            route_max_age: Duration::from_secs(2),
            logon_timeout: Duration::from_secs(2),
            connections: 1_024,
            connections_per_address: 256,
        }
    }
}

pub(super) fn read(root: &Section<'_>) -> ProcessConfig {
    let journal = journal(&root.table("journal", "[journal]"));
    let (listen, plaintext_off_loopback, tls) = listen(&root.table("listen", "[listen]"));
    let day = root.table("day", "[day]");
    let auto = day.optional("open").and_then(|v| v.choice(&DAY_OPENING)) == Some(1);
    day.finish();
    ProcessConfig {
        journal_dir: journal.dir,
        ack: journal.ack,
        segment_size: journal.segment_size,
        journal_memory: journal.memory,
        snapshot_every: journal.snapshot_every,
        heads: journal.heads,
        retention: journal.retention,
        cancel_on_failure: journal.cancel_on_failure,
        listen,
        plaintext_off_loopback,
        tls,
        day_open: if auto {
            DayOpening::Auto
        } else {
            DayOpening::Manual
        },
        threads: threads(&root.table("threads", "[threads]")),
        memory: memory(&root.table("memory", "[memory]")),
        session: session_limits(&root.table("limits_per_session", "[limits_per_session]")),
    }
}

/// What `[journal]` says.
struct Journal {
    dir: PathBuf,
    ack: Ack,
    segment_size: u64,
    memory: u64,
    snapshot_every: u64,
    heads: Option<PathBuf>,
    retention: Retention,
    cancel_on_failure: bool,
}

fn journal(section: &Section<'_>) -> Journal {
    let dir = section
        .optional("dir")
        .and_then(|v| v.string())
        .unwrap_or("journal");
    let ack = match section.optional("ack").and_then(|v| v.choice(&ACK)) {
        Some(2) => Ack::Written,
        Some(3) => Ack::Memory,
        _ => Ack::Durable,
    };
    let sized = |key, usual: u64, least: u64, most: u64, wrong: &str, help: &str| {
        let value = section.optional(key);
        let bytes = value.and_then(|v| v.size()).unwrap_or(usual);
        if let Some(value) = value
            && !(least..=most).contains(&bytes)
        {
            value.wrong(wrong, help);
        }
        bytes
    };
    let segment_size = sized(
        "segment_size",
        64 << 20,
        4 << 20,
        4 << 30,
        "is outside 4MiB to 4GiB",
        "64MiB serves most firms",
    );
    let memory = sized(
        "memory",
        64 << 20,
        1 << 20,
        16 << 30,
        "is outside 1MiB to 16GiB",
        "64MiB holds half a second of 500,000 records a second",
    );
    let every = section.optional("snapshot_every");
    let retention = Retention {
        keep_bytes: section.optional("keep_size").and_then(|v| v.size()),
        keep_ns: section.optional("keep_age").and_then(|v| v.duration()),
    };
    let heads = section
        .optional("heads")
        .map_or(Some("heads.ndjson"), |v| v.string());
    let cancel_on_failure = section
        .optional("cancel_on_failure")
        .and_then(|v| v.boolean())
        .unwrap_or(true);
    section.finish();
    Journal {
        cancel_on_failure,
        dir: PathBuf::from(dir),
        ack,
        segment_size,
        memory,
        snapshot_every: every
            .and_then(|v| v.uint(0, u64::MAX >> 1))
            .unwrap_or(1_000_000),
        heads: heads.filter(|path| !path.is_empty()).map(PathBuf::from),
        retention,
    }
}

fn listen(section: &Section<'_>) -> (SocketAddr, bool, Option<TlsPaths>) {
    let usual = SocketAddr::from(([127, 0, 0, 1], 7201));
    let value = section.optional("address");
    let open = section
        .optional("plaintext_off_loopback")
        .map_or(Some(false), |v| v.boolean());
    let open = open == Some(true);
    let tls = tls(section);
    section.finish();
    let Some((value, text)) = value.and_then(|v| Some((v, v.string()?))) else {
        return (usual, open, tls);
    };
    let address = match text.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() || open || tls.is_some() => address,
        Ok(_) => {
            value.wrong(
                "is not loopback, and traffic is not encrypted",
                "say `tls_certificate` and `tls_key`, listen on 127.0.0.1, or say `plaintext_off_loopback = true` on a trusted network",
            );
            usual
        }
        Err(_) => {
            value.wrong(
                format!("`{text}` is not an address"),
                "write an IP address and a port, such as 127.0.0.1:7201; port 0 lets the system choose",
            );
            usual
        }
    };
    (address, open, tls)
}

fn tls(section: &Section<'_>) -> Option<TlsPaths> {
    let path = |key| {
        section
            .optional(key)
            .and_then(|v| v.string())
            .map(PathBuf::from)
    };
    let (certificate, key) = (path("tls_certificate"), path("tls_key"));
    let client_authorities = path("tls_client_authorities");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Some(TlsPaths {
            certificate,
            key,
            client_authorities,
        }),
        (None, None) if client_authorities.is_none() => None,
        _ => {
            section.mistake(
                "says one half of TLS",
                "say both `tls_certificate` and `tls_key`, or none of the three",
            );
            None
        }
    }
}

fn threads(section: &Section<'_>) -> Threads {
    let slots = |key| {
        let slots = section.optional(key)?.uint(128, 65_536)?;
        usize::try_from(slots).ok()
    };
    let rounds = |key| {
        let rounds = section.optional(key)?.uint(0, 1_000_000)?;
        u32::try_from(rounds).ok()
    };
    let threads = Threads {
        shape: section
            .optional("shape")
            .and_then(|value| value.choice(&SHAPE))
            .map(|number| match number {
                1 => Shape::Fused,
                _ => Shape::Pipelined,
            }),
        orders_ring: slots("orders_ring"),
        control_ring: slots("control_ring"),
        journal_ring: slots("journal_ring"),
        engine_spins: rounds("engine_spins"),
        engine_yields: rounds("engine_yields"),
        pin: pin(section),
    };
    section.finish();
    threads
}

/// `pin = [0, 1, 2]`.
fn pin(section: &Section<'_>) -> Option<[u16; 3]> {
    let value = section.optional("pin")?;
    let cores: Vec<u16> = value
        .items()
        .iter()
        .filter_map(|item| u16::try_from(item.uint(0, 1023)?).ok())
        .collect();
    let cores = <[u16; 3]>::try_from(cores).ok();
    if cores.is_none() {
        value.wrong(
            "is not three cores",
            "write the cores of the I/O, the engine and the writer thread, such as [1, 2, 3]",
        );
    }
    cores
}

fn memory(section: &Section<'_>) -> Memory {
    let usual = Memory::default();
    let says = |key, usual| {
        let value = section.optional(key);
        value.and_then(|v| v.boolean()).unwrap_or(usual)
    };
    let memory = Memory {
        lock: says("lock", usual.lock),
        large_pages: says("large_pages", usual.large_pages),
    };
    section.finish();
    memory
}

fn session_limits(section: &Section<'_>) -> SessionLimits {
    let usual = SessionLimits::default();
    let count = |key, usual: u32| {
        let given = section
            .optional(key)
            .and_then(|v| v.uint(1, u64::from(u32::MAX) - 1));
        given.and_then(|n| u32::try_from(n).ok()).unwrap_or(usual)
    };
    let size = |key, usual| {
        section
            .optional(key)
            .and_then(|v| v.size())
            .unwrap_or(usual)
    };
    let limits = SessionLimits {
        max_messages_per_second: count("max_messages_per_second", usual.max_messages_per_second),
        output_buffer: size("output_buffer", usual.output_buffer),
        outbound_window: size("outbound_window", usual.outbound_window),
        outbound_windows: size("outbound_windows", usual.outbound_windows),
        output_buffers: size("output_buffers", usual.output_buffers),
        route_max_age: section
            .optional("route_max_age")
            .and_then(|v| v.duration())
            .map_or(usual.route_max_age, Duration::from_nanos),
        logon_timeout: section
            .optional("logon_timeout")
            .and_then(|v| v.duration())
            .map_or(usual.logon_timeout, Duration::from_nanos),
        connections: count("connections", usual.connections),
        connections_per_address: count("connections_per_address", usual.connections_per_address),
    };
    section.finish();
    limits
}
