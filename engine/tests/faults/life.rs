//! Owns the workload: the life of a journal over several runs of its writer, every step by the seed,
//! and what follows a fault: starts that are struck again, a start that works, and going on.

use engine::journal::sim::{Fault, SimFiles};
use engine::journal::{
    Build, JournalWriter, Options, PushError, RecoveryError, Verdict, WriteError,
};

use crate::promise::{Breach, Found, Promise};
use crate::random::Random;

pub(crate) const NOW: u64 = 1_700_000_000_000_000_000;

/// Segments of 2 KiB, batches of 512 bytes: rolls come after a few batches.
pub(crate) fn options() -> Options {
    Options {
        segment_bytes: 2048,
        batch_bytes_max: 512,
        ..Options::new(Build::new("test-build").unwrap(), 1)
    }
}

/// Why a run ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk or the machine.
    Disk,
    /// A promise was broken.
    Breach(Breach),
}

impl From<Breach> for Stop {
    fn from(breach: Breach) -> Self {
        Self::Breach(breach)
    }
}

impl From<WriteError> for Stop {
    fn from(_: WriteError) -> Self {
        Self::Disk
    }
}

/// What comes between two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// The process was killed; the machine's memory is as it was.
    Killed,
    /// The same, and pages that look clean are read from the disk again.
    Evicted,
    /// The power failed.
    PowerLoss,
}

/// A journal, its disk, and what it has promised.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) files: SimFiles,
    pub(crate) promise: Promise,
    random: Random,
    /// Still to come; a planned restart does not take it away.
    fault: Option<(u64, Fault)>,
    /// Torn tails that starts have cut.
    pub(crate) cut: u64,
    /// Starts that came through.
    pub(crate) starts: u64,
}

impl Life {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let files = SimFiles::new(random.next());
        // In every second life reads and writes are now and then short or interrupted.
        if random.one_in(2) {
            files.interrupt_one_in(16);
        }
        Self {
            files,
            promise: Promise::default(),
            random,
            fault: None,
            cut: 0,
            starts: 0,
        }
    }

    /// Operations of a whole life that nothing disturbs.
    pub(crate) fn operations(seed: u64) -> u64 {
        let mut life = Self::new(seed);
        life.run().unwrap();
        life.files.operations()
    }

    /// A life in which `fault` happens at operation `at`.
    pub(crate) fn with_fault(seed: u64, at: u64, fault: Fault) -> Self {
        let mut life = Self::new(seed);
        life.fault = Some((at, fault));
        life.files.fail_at(at, fault);
        life
    }

    /// Starts, works and ends in some way, twice.
    pub(crate) fn run(&mut self) -> Result<(), Stop> {
        for _ in 0..2 {
            let writer = self.start()?;
            let writer = self.work(writer, 9)?;
            match self.random.below(4) {
                0 | 1 => self.stop_cleanly(writer)?,
                2 => {
                    drop(writer);
                    self.between(Between::Killed);
                }
                _ => {
                    drop(writer);
                    self.between(Between::PowerLoss);
                }
            }
        }
        Ok(())
    }

    /// What an end leaves of the promises: a power failure takes what was only written.
    pub(crate) fn between(&mut self, between: Between) {
        match between {
            Between::Killed => self.files.restart(),
            Between::Evicted => self.files.restart_and_evict(),
            Between::PowerLoss => self.files.power_loss(),
        }
        if let Some((at, fault)) = self.fault {
            self.files.fail_at(at, fault);
        }
        if between != Between::Killed {
            self.promise.written = self.promise.durable;
        }
        self.promise.needed = self.promise.written;
    }

    /// Opens the journal as a start does, and checks what it finds.
    pub(crate) fn start(&mut self) -> Result<JournalWriter<SimFiles>, Stop> {
        let scan = match self.promise.check(&self.files, self.promise.needed)? {
            Found::Nothing => {
                let writer = JournalWriter::create(self.files.clone(), options())?;
                self.promise.goes_on_behind(0);
                self.starts += 1;
                return Ok(writer);
            }
            Found::Error(RecoveryError::Refused(refusal)) => {
                return Err(Breach::Refused(refusal.to_string()).into());
            }
            Found::Error(_) => return Err(Stop::Disk),
            Found::Journal(_, scan) => scan,
        };
        let last = scan.end().next_sequence - 1;
        self.cut += u64::from(matches!(scan.verdict(), Verdict::TornTail(_)));
        let epoch = scan.end().epoch + self.random.below(2);
        let recovered = scan.repair().map_err(|_| Stop::Disk)?;
        let options = Options { epoch, ..options() };
        // From here on something new may stand behind the last record.
        let writer = JournalWriter::resume(recovered, options, NOW)?;
        self.promise.goes_on_behind(last);
        self.starts += 1;
        Ok(writer)
    }

    /// Steps of a writer.
    pub(crate) fn work(
        &mut self,
        mut writer: JournalWriter<SimFiles>,
        steps: u32,
    ) -> Result<JournalWriter<SimFiles>, Stop> {
        for _ in 0..steps {
            let outcome = self.step(&mut writer);
            // What a roll or a next batch has synced may be acknowledged too.
            self.promise.durable = writer.durable();
            self.promise.written = writer.written();
            if writer.durable() == writer.written() {
                self.promise.stated = self.promise.stated.max(self.promise.proof);
            }
            outcome?;
        }
        Ok(writer)
    }

    fn step(&mut self, writer: &mut JournalWriter<SimFiles>) -> Result<(), WriteError> {
        match self.random.below(16) {
            0..=7 => self.append(writer)?,
            8 | 9 => self.write(writer)?,
            10 | 11 => {
                self.write(writer)?;
                writer.sync()?;
            }
            12 => {
                writer.restate(NOW)?;
                self.promise.stated = writer.durable();
            }
            13 => writer.roll()?,
            14 => {
                writer.store_watermark()?;
                self.promise.stated = writer.durable();
            }
            // A spare that cannot be had is not the end of the journal.
            _ => drop(writer.prepare_spare()),
        }
        Ok(())
    }

    fn append(&mut self, writer: &mut JournalWriter<SimFiles>) -> Result<(), WriteError> {
        let sequence = writer.next_sequence();
        let record = self.promise.next_record().to_vec();
        match writer.push(sequence, &record) {
            Err(PushError::BatchFull) => {
                self.write_up_to(writer, sequence - 1)?;
                writer.push(sequence, &record).unwrap();
            }
            Err(PushError::Stopped(failure)) => return Err(failure.into()),
            other => other.unwrap(),
        }
        Ok(())
    }

    fn write(&mut self, writer: &mut JournalWriter<SimFiles>) -> Result<(), WriteError> {
        self.write_up_to(writer, self.promise.pushed())
    }

    fn write_up_to(
        &mut self,
        writer: &mut JournalWriter<SimFiles>,
        last: u64,
    ) -> Result<(), WriteError> {
        self.promise.may_end_at(last);
        let before = writer.written();
        let written = writer.write_batch(NOW)?;
        if written > before {
            // The frame before has been synced, and proves what lies before it.
            self.promise.stated = self.promise.stated.max(self.promise.proof);
            self.promise.proof = before;
        }
        Ok(())
    }

    pub(crate) fn stop_cleanly(&mut self, writer: JournalWriter<SimFiles>) -> Result<(), Stop> {
        self.promise.may_end_at(self.promise.pushed());
        let durable = writer.clean_stop(NOW)?;
        self.promise.durable = durable;
        self.promise.written = durable;
        self.promise.needed = durable;
        self.promise.stated = durable;
        Ok(())
    }

    /// After a fault: starts that are struck again, one that works, more work, a clean stop, and all
    /// of it is there.
    pub(crate) fn outlive(&mut self, between: Between, strikes: u64) -> Result<(), Breach> {
        self.fault = None;
        self.between(between);
        for _ in 0..strikes {
            let at = self.files.operations() + self.random.below(16);
            self.files.fail_at(at, Fault::Crash);
            match self.start() {
                Err(Stop::Breach(breach)) => return Err(breach),
                Err(Stop::Disk) | Ok(_) => self.between(between),
            }
        }
        match self.go_on() {
            Ok(()) => Ok(()),
            Err(Stop::Breach(breach)) => Err(breach),
            Err(Stop::Disk) => Err(Breach::Refused("a start on a working disk".to_owned())),
        }
    }

    fn go_on(&mut self) -> Result<(), Stop> {
        let writer = self.start()?;
        let writer = self.work(writer, 4)?;
        self.stop_cleanly(writer)?;
        match self.promise.check(&self.files, self.promise.pushed())? {
            Found::Journal(_, scan) if scan.verdict() == Verdict::Clean => Ok(()),
            other @ (Found::Journal(..) | Found::Nothing | Found::Error(_)) => {
                Err(Breach::Refused(format!("after a clean stop: {other:?}")).into())
            }
        }
    }
}
