//! What a start makes of records that are whole and say anything: they are decided again and compared, so
//! that a start goes on, or is refused by name.

use super::script::Script;
use engine::journal::sim::SimFiles;
use engine::journal::{Build, JournalWriter, Options};
use engine::pipeline::AckPolicy;
use engine::recover::{self, OpenOptions, RULES_VERSION};

const NOW: u64 = 1_772_442_000_000_000_000;

pub fn run(data: &[u8]) {
    let mut script = Script::new(data);
    let files = SimFiles::new(1);
    let options = Options {
        segment_bytes: 1 << 16,
        batch_bytes_max: 1 << 14,
        ..Options::new(Build::new("fuzz").unwrap(), RULES_VERSION)
    };
    let mut writer = JournalWriter::create(files.clone(), options).unwrap();
    while !script.is_over() {
        let length = usize::from(script.u16() % 1024);
        let record = script.take(length);
        if !writer.has_room_for(record.len()) {
            writer.write_batch(NOW).unwrap();
        }
        writer.push(writer.next_sequence(), record).unwrap();
    }
    writer.write_batch(NOW).unwrap();
    writer.clean_stop(NOW).unwrap();
    let mut options = OpenOptions::new(Vec::new(), AckPolicy::Durable, "fuzz", NOW);
    options.segment_bytes = 1 << 16;
    options.accept_clock = true;
    if let Err(refused) = recover::open_on(files, &options) {
        assert!(!refused.to_string().is_empty());
    }
}
