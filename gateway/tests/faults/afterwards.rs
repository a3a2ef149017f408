//! Owns reading the journal of a server that has ended, before any other process touches it.

use std::collections::BTreeMap;

use engine::command::Command;
use engine::decision::Outcome;
use engine::journal::{ReadError, Reader, RealFiles, SegmentId};
use engine::record::decode_record;

use crate::desk::{Answer, Desk};
use crate::server::Firm;

/// Where in its work the end found the journal's writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Part of a frame is on the disk.
    InTheWrite,
    /// The last batch is written, and not one of its records was acknowledged: before or in its sync,
    /// or before its first answer left.
    BeforeTheFirstAnswer,
    /// Some of the last batch was acknowledged.
    AmidTheAnswers,
    /// Everything written had been acknowledged.
    BetweenBatches,
}

/// What a journal holds.
#[derive(Debug)]
pub(crate) struct Afterwards {
    pub(crate) last: u64,
    pub(crate) moment: Moment,
    /// What was decided about the desk's orders: clOrdId → sequence and answer.
    orders: BTreeMap<u64, (u64, Answer)>,
}

impl Afterwards {
    /// Reads it all; `acknowledged` is the highest sequence that the client had been told.
    pub(crate) fn read(firm: &Firm, acknowledged: u64) -> Self {
        let mut reader = Reader::open(RealFiles::new(firm.journal()), SegmentId::FIRST).unwrap();
        let mut orders = BTreeMap::new();
        let (mut last, mut batch) = (0, 0);
        let torn = loop {
            match reader.next_frame() {
                Ok(Some(frame)) => {
                    let mut records = frame.records().peekable();
                    batch = records.peek().map_or(batch, |record| record.sequence);
                    for record in records {
                        let (input, decision) = decode_record(record.bytes).unwrap();
                        last = input.seq;
                        if let Command::NewOrder(order) = input.command {
                            let answer = if decision.outcome == Outcome::Accepted {
                                let order_id = decision.order_id;
                                Answer::Accepted { order_id }
                            } else {
                                let code = decision.code;
                                Answer::Rejected { code }
                            };
                            let twice = orders.insert(order.cl_ord_id, (input.seq, answer));
                            assert_eq!(twice, None, "order {} is there twice", order.cl_ord_id);
                        }
                    }
                }
                Ok(None) => break false,
                Err(ReadError::Damage(_)) => break true,
                Err(error) => panic!("{error}"),
            }
        };
        let moment = if torn {
            Moment::InTheWrite
        } else if acknowledged < batch {
            Moment::BeforeTheFirstAnswer
        } else if acknowledged < last {
            Moment::AmidTheAnswers
        } else {
            Moment::BetweenBatches
        };
        Self {
            last,
            moment,
            orders,
        }
    }

    /// Every acknowledgement that the desk received is in the journal, the same; returns how many.
    pub(crate) fn hold_all_that_was_acknowledged(&self, desk: &Desk) -> u64 {
        assert!(
            desk.acknowledged <= self.last,
            "sequence {} was acknowledged, and the journal ends with {}",
            desk.acknowledged,
            self.last
        );
        let mut found = 0;
        for (cl_ord_id, order) in (1_u64..).zip(&desk.orders) {
            let Some((answer, seq)) = order.answer else {
                continue;
            };
            let journalled = self.orders.get(&cl_ord_id).copied();
            assert_eq!(
                journalled,
                Some((seq, answer)),
                "order {cl_ord_id}, as acknowledged"
            );
            found += 1;
        }
        found
    }
}
