//! Which request an answer of the server belongs to.

use wire::{Reply, Request};

use crate::ops::ref_id;

/// A request that the server may not have made durable yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unacknowledged {
    pub(crate) seq_no: u64,
    pub(crate) request: Request,
}

/// What an answer says about the request that it answers. Orders and administrative requests have ids
/// of their own kind, which may be equal by chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    SeqNo(u64),
    Order(u64),
    Admin(u64),
}

impl Answer {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other messages answer no request of their own"
    )]
    pub(crate) fn of(reply: &Reply) -> Option<Self> {
        match reply {
            Reply::OrderAccepted(m) => Some(Self::Order(m.cl_ord_id)),
            Reply::OrderRejected(m) => Some(Self::Order(m.cl_ord_id)),
            Reply::MassCancelReport(m) => Some(Self::Order(m.cl_ord_id)),
            Reply::BusinessReject(m) => Some(Self::SeqNo(m.ref_seq_no)),
            Reply::AdminAck(m) => Some(Self::Admin(m.request_id)),
            _ => None,
        }
    }

    pub(crate) fn is_to(self, sent: &Unacknowledged) -> bool {
        let request = &sent.request;
        match self {
            Self::SeqNo(seq_no) => sent.seq_no == seq_no,
            Self::Order(id) => is_order(request) && ref_id(request) == id,
            // A report of a venue is answered by nothing of its own.
            Self::Admin(id) => {
                !is_order(request)
                    && !matches!(request, Request::VenueReport(_))
                    && ref_id(request) == id
            }
        }
    }
}

fn is_order(request: &Request) -> bool {
    matches!(
        request,
        Request::NewOrder(_)
            | Request::ReplaceOrder(_)
            | Request::CancelOrder(_)
            | Request::MassCancel(_)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{AdminAck, NewOrder, OrderAccepted, Query, VenueReport};

    fn sent(request: impl Into<Request>) -> Unacknowledged {
        Unacknowledged {
            seq_no: 1,
            request: request.into(),
        }
    }

    #[test]
    fn an_answer_belongs_to_a_request_of_its_own_kind_only() {
        let order = sent(NewOrder {
            cl_ord_id: 5,
            ..NewOrder::default()
        });
        let query = sent(Query {
            request_id: 5,
            ..Query::default()
        });
        let report = sent(VenueReport {
            cl_ord_id: 5,
            ..VenueReport::default()
        });
        let accepted = OrderAccepted {
            cl_ord_id: 5,
            ..OrderAccepted::default()
        };
        let ack = AdminAck {
            request_id: 5,
            ..AdminAck::default()
        };
        let of = |reply: Reply| {
            let answer = Answer::of(&reply).unwrap();
            [order, query, report].map(|sent| answer.is_to(&sent))
        };
        assert_eq!(of(accepted.into()), [true, false, false]);
        assert_eq!(of(ack.into()), [false, true, false]);
    }
}
