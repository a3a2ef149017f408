//! What an answer does to the desk: it is held against what it must be, and settles its message.

use wire::{
    CancelReason, E8, ExecType, Message, OrderAccepted, OrderCancelled, OrderFilled, OrderRejected,
    OrderReplaced, RejectCode, Reply, Side, VenueReport,
};

use super::{Answer, Ask, Asked, Desk, Live, about};

/// Offset of `clOrdId` in each answer: behind flags, seqNo, engineSeq and engineTime.
const ANSWER_ID_AT: usize = 28;
/// Offset of `orderId` in OrderAccepted.
const ORDER_ID_AT: usize = 36;
/// Offset of `seqNo` in what a desk sends: behind the flags.
const SENT_SEQ_NO_AT: usize = 4;

fn number_at(block: &[u8], at: usize) -> u64 {
    block
        .get(at..at + 8)
        .and_then(|bytes| bytes.try_into().ok())
        .map_or(0, u64::from_le_bytes)
}

impl Desk {
    /// Takes what the echo gave back: every order is as good as accepted.
    pub fn echoed(&mut self, asked: &Asked, answer: Answer<'_>) {
        let right = answer.template_id == asked.template_id
            && number_at(answer.block, SENT_SEQ_NO_AT) == asked.seq_no;
        self.books.right += u64::from(right);
        if !right {
            self.wrong(asked, answer);
        }
        self.settle(asked, 0);
    }

    /// Takes a decision.
    pub fn answered(&mut self, asked: &Asked, answer: Answer<'_>) {
        let wanted = match asked.ask {
            Ask::New(_) | Ask::Replace(..) | Ask::Cancel(_) => OrderAccepted::LAYOUT.template_id,
            Ask::TooLarge => OrderRejected::LAYOUT.template_id,
            Ask::Replaced(_) => OrderReplaced::LAYOUT.template_id,
            Ask::Cancelled => OrderCancelled::LAYOUT.template_id,
            Ask::Filled(..) => OrderFilled::LAYOUT.template_id,
        };
        let id = number_at(answer.block, ANSWER_ID_AT);
        let code = match answer.template_id == OrderAccepted::LAYOUT.template_id {
            true => 0,
            false => code_of(answer),
        };
        let refused_rightly =
            !matches!(asked.ask, Ask::TooLarge) || code == RejectCode::MaxOrderQty.number();
        if answer.template_id == wanted && id == asked.cl_ord_id && refused_rightly {
            self.books.right += 1;
            self.settle(asked, number_at(answer.block, ORDER_ID_AT));
            return;
        }
        if code == RejectCode::Busy.number() && id == asked.cl_ord_id {
            self.books.busy += 1;
        } else {
            self.wrong(asked, answer);
        }
        self.take_back(asked);
    }

    fn wrong(&mut self, asked: &Asked, answer: Answer<'_>) {
        let code = code_of(answer);
        let name = RejectCode::ALL
            .iter()
            .find(|known| known.number() == code)
            .map_or_else(String::new, |known| format!(" {known:?}"));
        let what = match asked.ask {
            Ask::New(_) => "a new order",
            Ask::TooLarge => "a new order above C1",
            Ask::Replace(..) => "a replace",
            Ask::Cancel(_) => "a cancel",
            Ask::Replaced(_) => "a report of a replace",
            Ask::Cancelled => "a report of a cancel",
            Ask::Filled(..) => "a fill",
        };
        let text = format!(
            "{what} was answered by message {} with code {code}{name}",
            answer.template_id
        );
        *self.books.wrong.entry(text).or_default() += 1;
    }

    /// Books what was answered as it had to be.
    fn settle(&mut self, asked: &Asked, order_id: u64) {
        match asked.ask {
            Ask::New(live) => {
                self.asking -= 1;
                self.live.push(Live { order_id, ..live });
            }
            Ask::TooLarge => self.asking -= 1,
            Ask::Replace(live, qty) => {
                let replaced = Live {
                    cl_ord_id: asked.cl_ord_id,
                    qty,
                    ..live
                };
                let report = VenueReport {
                    exec_type: ExecType::Replaced,
                    ..about(&replaced, asked.cl_ord_id)
                };
                self.reports
                    .push_back((Ask::Replaced(replaced), asked.cl_ord_id, report));
            }
            Ask::Cancel(live) => {
                let report = VenueReport {
                    exec_type: ExecType::Cancelled,
                    reason: CancelReason::Requested,
                    ..about(&live, asked.cl_ord_id)
                };
                self.reports
                    .push_back((Ask::Cancelled, live.cl_ord_id, report));
            }
            Ask::Replaced(live) => self.live.push(live),
            Ask::Cancelled => {}
            Ask::Filled(live, qty) => {
                let lots = match live.side {
                    Side::Buy => qty / E8,
                    _ => -qty / E8,
                };
                let place = (live.account, live.instrument);
                *self.books.positions.entry(place).or_default() += lots;
                if live.cum + qty < live.qty {
                    self.live.push(Live {
                        cum: live.cum + qty,
                        ..live
                    });
                }
            }
        }
    }

    /// Nothing has come of a message that was refused for want of room.
    fn take_back(&mut self, asked: &Asked) {
        match asked.ask {
            Ask::New(_) | Ask::TooLarge => self.asking -= 1,
            Ask::Replace(live, _) | Ask::Cancel(live) => self.live.push(live),
            Ask::Replaced(_) | Ask::Cancelled | Ask::Filled(..) => {}
        }
    }
}

/// The code of a refusal; 0 for anything else.
fn code_of(answer: Answer<'_>) -> u16 {
    match Reply::decode_block(answer.template_id, answer.block) {
        Some(Ok(Reply::OrderRejected(m))) => m.code,
        Some(Ok(Reply::BusinessReject(m))) => m.code,
        _ => 0,
    }
}
