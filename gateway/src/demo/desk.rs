//! One desk's side of its session: numbers of its messages, which of them are answered, what it heard.

use super::book::{Asked, Request};
use portcullis_client::Client;
use std::time::Instant;
use wire::Reply;

/// What a message of the server said, reduced to what must be the same when it is heard again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) seq_no: u64,
    pub(super) template: u16,
    pub(super) id: u64,
    pub(super) about: u64,
    pub(super) code: u16,
}

impl Heard {
    /// The content of a reply to a desk; `None` for answers to queries.
    pub(super) fn of(reply: &Reply) -> Option<Self> {
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "other messages count by their number and template alone"
        )]
        let (id, about, code) = match reply {
            Reply::OrderAccepted(m) => (m.cl_ord_id, m.order_id, 0),
            Reply::OrderRejected(m) => (m.cl_ord_id, 0, m.code),
            Reply::OrderReplaced(m) => (m.cl_ord_id, m.order_id, 0),
            Reply::OrderCancelled(m) => (m.cl_ord_id, m.order_id, 0),
            Reply::OrderFilled(m) => (m.cl_ord_id, m.exec_id, 0),
            Reply::BusinessReject(m) => (m.ref_id, m.ref_seq_no, m.code),
            Reply::RoutedCancel(m) => (m.orig_cl_ord_id, m.order_id, 0),
            _ => (0, 0, 0),
        };
        (reply.seq_no() != 0).then(|| Self {
            seq_no: reply.seq_no(),
            template: reply.layout().template_id,
            id,
            about,
            code,
        })
    }
}

/// A desk.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) client: Client,
    pub(super) session: u32,
    /// It trades at the venue itself.
    pub(super) sidecar: bool,
    requests: Vec<Request>,
    /// Ids of this client are above this one.
    above: u64,
    pub(super) unanswered: usize,
    pub(super) heard: Vec<Heard>,
}

impl Desk {
    pub(super) fn new(client: Client, session: u32, sidecar: bool) -> Self {
        Self {
            client,
            session,
            sidecar,
            requests: Vec::new(),
            above: 0,
            unanswered: 0,
            heard: Vec::new(),
        }
    }

    /// Notes a message and gives it its clOrdId.
    pub(super) fn ask(&mut self, asked: Asked, order: Option<usize>) -> u64 {
        self.requests.push(Request {
            asked,
            order,
            sent_at: Instant::now(),
            answer: None,
        });
        self.unanswered += 1;
        self.last_id()
    }

    /// Lets the ids begin above those of an earlier client. Call it before the first message.
    pub(super) fn begin_above(&mut self, cl_ord_id: u64) {
        self.above = cl_ord_id;
    }

    /// The last clOrdId given.
    pub(super) fn last_id(&self) -> u64 {
        self.above + u64::try_from(self.requests.len()).unwrap_or(u64::MAX)
    }

    fn index(&self, cl_ord_id: u64) -> Option<usize> {
        usize::try_from(cl_ord_id.checked_sub(self.above + 1)?).ok()
    }

    pub(super) fn request(&self, cl_ord_id: u64) -> Option<&Request> {
        self.requests.get(self.index(cl_ord_id)?)
    }

    /// Notes an answer; `None` if the message is unknown or was answered before.
    pub(super) fn answer(&mut self, cl_ord_id: u64, code: u16) -> Option<Request> {
        let index = self.index(cl_ord_id)?;
        let request = self.requests.get_mut(index)?;
        if request.answer.is_some() {
            return None;
        }
        request.answer = Some(code);
        self.unanswered -= 1;
        Some(*request)
    }
}
