//! Owns commands of the server itself that enter between recovery and the first connection: the opening
//! of the day, the differences of a changed file. They are journalled as all others are, durably.

use super::{Opened, SessionLog};
use crate::command::{Command, Sequenced};
use crate::decision::{Decision, Outbox};
use crate::pipeline::SinkError;
use crate::record::{MAX_RECORD, encode_record};
use wire::RejectCode;

impl Opened {
    /// Applies and journals commands in their order, and says what was decided about each. The follower
    /// reads them from the journal; what they send goes into the sessions' outbound logs.
    ///
    /// A command with a value that the journal could not give back is refused without a record.
    ///
    /// # Errors
    /// What the disk says: the journal can't be gone on with.
    pub fn enter(
        &mut self,
        commands: impl IntoIterator<Item = Command>,
        now_ns: u64,
    ) -> Result<Vec<Decision>, SinkError> {
        let mut outbox = Outbox::new();
        let mut bytes = [0; MAX_RECORD];
        let mut decisions = Vec::new();
        for command in commands {
            if !is_readable(&command) {
                decisions.push(Decision::refused(RejectCode::MalformedField));
                continue;
            }
            let input = Sequenced {
                seq: self.seq.saturating_add(1),
                t: self.t.max(now_ns),
                session_id: 0,
                in_seq_no: 0,
                busy: false,
                command,
            };
            let decision = self.engine.apply(&input, &mut outbox);
            if !self.sink.has_room_for(MAX_RECORD) {
                self.sink.write(now_ns)?;
            }
            let length = encode_record(&input, &decision, &mut bytes);
            self.sink.push(input.seq, &bytes[..length])?;
            for outgoing in outbox.items() {
                SessionLog::append_to(&mut self.logs, outgoing);
            }
            (self.seq, self.t) = (input.seq, input.t);
            decisions.push(decision);
        }
        if !decisions.is_empty() {
            self.sink.write(now_ns)?;
            self.sink.sync()?;
        }
        Ok(decisions)
    }
}

/// Whether the record of a command that came through no decoder can be read back.
fn is_readable(command: &Command) -> bool {
    let mut block = [0; MAX_RECORD];
    let length = command.encode_block(&mut block);
    matches!(
        Command::decode_block(command.layout().template_id, &block[..length]),
        Some(Ok(_))
    )
}
