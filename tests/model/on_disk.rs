//! The history of a case as a journal on the disk, proven by the same `verify` that people run.

use super::pair::{Difference, Pair, differ, same};
use engine::journal::{Build, JournalWriter, Options, RealFiles};
use engine::record::{MAX_RECORD, encode_record};
use engine::verify::verify;
use std::path::Path;

impl Pair {
    /// Writes all that was sequenced with what was decided, and lets the journal prove itself: every record decided
    /// the same again, and the digests that the engine has.
    pub(crate) fn prove_on_disk(&self) -> Result<(), Difference> {
        let failed = |error: String| differ("journal on disk", &error, &"a proof");
        let dir = tempfile::tempdir().map_err(|error| failed(error.to_string()))?;
        self.write(dir.path()).map_err(failed)?;
        let report = verify(dir.path(), |_| {}).map_err(|error| failed(error.to_string()))?;
        let engine = (self.engine.risk_digest(), self.engine.session_digest());
        let proven = (report.risk_digest, report.session_digest);
        same(
            "records on disk",
            &report.records,
            &(self.journal.len() as u64),
        )?;
        same("digests of the journal on disk", &engine, &proven)
    }

    fn write(&self, dir: &Path) -> Result<(), String> {
        let build = Build::new("model").ok_or("no such build")?;
        let options = Options {
            segment_bytes: 4 << 20,
            ..Options::new(build, 1)
        };
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let mut writer =
            JournalWriter::create(RealFiles::new(dir), options).map_err(|error| told(&error))?;
        let mut record = [0; MAX_RECORD];
        let mut t = 0;
        for (input, decision) in &self.journal {
            let length = encode_record(input, decision, &mut record);
            writer
                .push(input.seq, &record[..length])
                .map_err(|error| told(&error))?;
            t = input.t.max(t);
            if input.seq.is_multiple_of(256) {
                writer.write_batch(t).map_err(|error| told(&error))?;
            }
        }
        writer.write_batch(t).map_err(|error| told(&error))?;
        writer.sync().map_err(|error| told(&error))?;
        writer.clean_stop(t).map_err(|error| told(&error))?;
        Ok(())
    }
}
