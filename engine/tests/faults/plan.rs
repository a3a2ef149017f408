//! The firm of the faults' office, and how its starts go.

use ed25519_dalek::SigningKey;
use engine::clerk::{Duties, Retention};
use engine::command::Command;
use engine::firm::Firm;
use engine::pipeline::AckPolicy;
use engine::recover::OpenOptions;
use wire::Time;

/// Segments of a few batches each, so that a short life seals and removes some.
const SEGMENT_BYTES: u64 = 3 << 10;
/// Records between two snapshots.
const SNAPSHOT_EVERY: u64 = 6;
const START: u64 = 1_780_000_000_000_000_000;
pub(crate) const TRADE_DATE: u32 = 20_260_528;

const FIRM: &str = r#"
[firm]
name = "Faults"
instance = "faults"
two_person = false
base_currency = "USD"
[capacity]
accounts = 4
instruments = 4
orders = 256
rows = 64
executions = 256
limits = 32
sessions = 4
[day]
open = "auto"
[[desks]]
id = 1
name = "Desk"
[[accounts]]
id = 1
name = "ACCOUNT"
desk = 1
suspense = true
[[traders]]
id = 1
name = "Ada"
[[instruments]]
id = 1
symbol = "SHARE"
venue = 1
group = 1
tick = 0.01
lot = 1
reference = 100
mark = 100
[[sessions]]
id = 1
name = "desk"
role = "desk"
topology = "sidecar"
accounts = [1]
traders = [1]
public_key = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
"#;

pub(crate) fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// How a start goes, and the commands that open the first day.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) options: OpenOptions,
    pub(crate) day: Vec<Command>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        let mut text = FIRM.to_owned();
        for (kind, value) in [
            ("MaxOrderQty", "100"),
            ("MaxOrderNotional", "unlimited"),
            ("PriceCollar", "10%"),
            ("OrderRate", "unlimited"),
            ("MaxOpenOrders", "20"),
            ("MaxLong", "500"),
            ("MaxShort", "500"),
            ("GrossNotional", "unlimited"),
        ] {
            text +=
                &format!("[[limits]]\nscope = \"firm\"\nkind = \"{kind}\"\nvalue = \"{value}\"\n");
        }
        let firm = Firm::parse("firm.toml", &text).unwrap();
        let genesis = firm.genesis(Time(START));
        let mut options = OpenOptions::new(genesis, AckPolicy::Durable, "test-1", START);
        options.segment_bytes = SEGMENT_BYTES;
        options.retained = 256;
        options.duties = Duties {
            snapshot_every: SNAPSHOT_EVERY,
            signing_key: Some(key()),
            heads: None,
            retention: Retention::default(),
        };
        Self {
            options,
            day: firm.first_day(TRADE_DATE),
        }
    }

    /// From the next start on, old segments go: several at once at first.
    pub(crate) fn remove_old_segments(&mut self) {
        self.options.duties.retention = Retention {
            keep_bytes: Some(SEGMENT_BYTES),
            keep_ns: None,
        };
    }
}
