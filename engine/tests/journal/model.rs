//! Owns the property: whatever is done to a journal, it behaves like a list of
//! records with two marks, written and durable.

use engine::journal::sim::SimFiles;
use engine::journal::{JournalWriter, Verdict};
use proptest::prelude::*;

use crate::common::{NOW, append, open, scan_checked};

#[derive(Debug, Clone)]
enum Step {
    Append(u8),
    Write,
    Sync,
    Restate,
    Roll,
    PrepareSpare,
    /// The process ends without a word and starts again.
    Reopen,
    StopAndReopen,
    /// The power fails: what is not synced may be gone.
    PowerLoss,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1_u8..6).prop_map(Step::Append),
        4 => Just(Step::Write),
        4 => Just(Step::Sync),
        2 => Just(Step::Restate),
        1 => Just(Step::Roll),
        1 => Just(Step::PrepareSpare),
        1 => Just(Step::Reopen),
        1 => Just(Step::StopAndReopen),
        1 => Just(Step::PowerLoss),
    ]
}

/// The journal as a list whose records are their own sequences.
#[derive(Debug, Default)]
struct Model {
    pushed: u64,
    written: u64,
    durable: u64,
}

/// Checks what a start found and makes the model agree with it.
fn reopen(files: &SimFiles, model: &mut Model, clean: bool) -> JournalWriter<SimFiles> {
    let (writer, last, verdict) = open(files);
    assert!(model.durable <= last && last <= model.written);
    assert_eq!(verdict == Some(Verdict::Clean), clean);
    model.pushed = last;
    model.written = last;
    model.durable = last;
    writer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_journal_behaves_like_a_list_with_two_marks(
        steps in prop::collection::vec(step(), 1..60),
        seed in any::<u64>(),
    ) {
        let files = SimFiles::new(seed);
        let mut model = Model::default();
        let (mut writer, ..) = open(&files);
        for step in steps {
            match step {
                Step::Append(count) => {
                    for _ in 0..count {
                        append(&mut writer).unwrap();
                        model.pushed += 1;
                    }
                    // A full batch has been written on the way, the one before it synced.
                    model.written = writer.written();
                    model.durable = writer.durable();
                }
                Step::Write => {
                    model.written = writer.write_batch(NOW).unwrap();
                    prop_assert_eq!(model.written, model.pushed);
                    model.durable = writer.durable();
                }
                Step::Sync => {
                    model.durable = writer.sync().unwrap();
                    prop_assert_eq!(model.durable, model.written);
                }
                Step::Restate => {
                    model.durable = writer.restate(NOW).unwrap();
                    prop_assert_eq!(model.durable, model.written);
                    prop_assert!(!writer.needs_restate());
                }
                Step::Roll => {
                    writer.roll().unwrap();
                    model.durable = model.written;
                }
                Step::PrepareSpare => writer.prepare_spare().unwrap(),
                Step::Reopen => {
                    drop(writer);
                    files.restart();
                    let written = model.written;
                    writer = reopen(&files, &mut model, false);
                    prop_assert_eq!(model.written, written, "a dead process loses nothing written");
                }
                Step::StopAndReopen => {
                    let durable = writer.clean_stop(NOW).unwrap();
                    prop_assert_eq!(durable, model.pushed);
                    model.written = durable;
                    model.durable = durable;
                    writer = reopen(&files, &mut model, true);
                }
                Step::PowerLoss => {
                    drop(writer);
                    files.power_loss();
                    writer = reopen(&files, &mut model, false);
                }
            }
            prop_assert_eq!(writer.next_sequence(), model.pushed + 1);
        }
        writer.clean_stop(NOW).unwrap();
        let (last, scan) = scan_checked(&files).unwrap();
        prop_assert_eq!(last, model.pushed);
        prop_assert_eq!(scan.verdict(), Verdict::Clean);
    }
}
