//! Requests with one answer: ask, wait, have it.

use std::time::Instant;

use wire::{AdminAck, NewOrder, Query, ReplaceOrder, Reply, Request, WHAT_IF};

use crate::client::{Client, Event};
use crate::error::{ClientError, Code};

/// The clOrdId or requestId of a request: what its answer refers to.
#[must_use]
pub fn ref_id(request: &Request) -> u64 {
    macro_rules! ids {
        ($($order:ident)*; $($admin:ident)*) => {
            match request {
                $( Request::$order(m) => m.cl_ord_id, )*
                $( Request::$admin(m) => m.request_id, )*
            }
        };
    }
    ids!(NewOrder ReplaceOrder CancelOrder MassCancel VenueReport;
         SetLimit SetState Query SetReference SetMark SetFx DefineInstrument DefineAccount Permit
         PositionLoad DayOpen DayRoll Reconcile Adjust LocateLoad CashLoad Propose Approve MmpReset AdvanceTime SetTwoPerson)
}

/// Gives an administrative request the id that its answer will carry; orders keep their clOrdId.
fn set_request_id(request: &mut Request, id: u64) {
    macro_rules! ids {
        ($($order:ident)*; $($admin:ident)*) => {
            match request {
                $( Request::$order(_) => {} )*
                $( Request::$admin(m) => m.request_id = id, )*
            }
        };
    }
    ids!(NewOrder ReplaceOrder CancelOrder MassCancel VenueReport;
         SetLimit SetState Query SetReference SetMark SetFx DefineInstrument DefineAccount Permit
         PositionLoad DayOpen DayRoll Reconcile Adjust LocateLoad CashLoad Propose Approve MmpReset AdvanceTime SetTwoPerson);
}

impl Client {
    /// Asks and collects every report of every page. The requestId is chosen here.
    ///
    /// Other events that arrive meanwhile are delivered by the next calls of [`Client::recv`].
    ///
    /// # Errors
    /// [`ClientError::QueryRefused`] or [`ClientError::Rejected`] with the server's reason,
    /// [`ClientError::Timeout`] if no answer comes within the timeout of the options.
    pub fn query(&mut self, query: Query) -> Result<Vec<Reply>, ClientError> {
        let mut reports = Vec::new();
        let mut page = query;
        loop {
            let ack = self.ask(page.into(), &mut reports)?;
            if ack.code != 0 {
                return Err(ClientError::QueryRefused(Code(ack.code)));
            }
            if ack.cursor == 0 {
                return Ok(reports);
            }
            page.cursor = ack.cursor;
        }
    }

    /// Sends an administrative request (`SetLimit`, `SetState`, …) and waits for its answer, whose code
    /// says whether it took effect. The requestId is chosen here.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] if the server could not take the message as it is,
    /// [`ClientError::Timeout`] if no answer comes within the timeout of the options.
    pub fn request_and_ack(
        &mut self,
        request: impl Into<Request>,
    ) -> Result<AdminAck, ClientError> {
        self.ask(request.into(), &mut Vec::new())
    }

    /// Asks what would be decided about an order now. Nothing is reserved or sent to a venue, and its
    /// clOrdId stays free: the answer is the `OrderAccepted` or `OrderRejected` that it would get.
    ///
    /// # Errors
    /// As [`Client::request_and_ack`].
    pub fn what_if(&mut self, order: NewOrder) -> Result<Reply, ClientError> {
        let flags = order.flags | WHAT_IF;
        self.ask_what_if(NewOrder { flags, ..order }.into())
    }

    /// [`Client::what_if`] about a replace.
    ///
    /// # Errors
    /// As [`Client::request_and_ack`].
    pub fn what_if_replaced(&mut self, replace: ReplaceOrder) -> Result<Reply, ClientError> {
        let flags = replace.flags | WHAT_IF;
        self.ask_what_if(ReplaceOrder { flags, ..replace }.into())
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "everything else is delivered later"
    )]
    fn ask_what_if(&mut self, request: Request) -> Result<Reply, ClientError> {
        let id = ref_id(&request);
        let seq_no = self.send(request)?;
        let timeout = self.timeout();
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let asked = |flags: u32, cl_ord_id: u64| flags & WHAT_IF != 0 && cl_ord_id == id;
            match self.recv_live(left)? {
                Some(Event::Reply(reply)) => match reply {
                    Reply::OrderAccepted(m) if asked(m.flags, m.cl_ord_id) => return Ok(reply),
                    Reply::OrderRejected(m) if asked(m.flags, m.cl_ord_id) => return Ok(reply),
                    Reply::BusinessReject(reject) if reject.ref_seq_no == seq_no => {
                        return Err(ClientError::Rejected(reject));
                    }
                    other => self.aside.push_back(Event::Reply(other)),
                },
                Some(other) => self.aside.push_back(other),
                None if left.is_zero() => {
                    return Err(ClientError::Timeout {
                        what: "answer",
                        waited: timeout,
                    });
                }
                None => {}
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "everything else is delivered later"
    )]
    fn ask(
        &mut self,
        mut request: Request,
        reports: &mut Vec<Reply>,
    ) -> Result<AdminAck, ClientError> {
        let id = self.next_seq_no();
        set_request_id(&mut request, id);
        let seq_no = self.send(request)?;
        let timeout = self.timeout();
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.recv_live(left)? {
                Some(Event::Reply(reply)) => match reply {
                    Reply::AdminAck(ack) if ack.request_id == id => return Ok(ack),
                    Reply::BusinessReject(reject) if reject.ref_seq_no == seq_no => {
                        return Err(ClientError::Rejected(reject));
                    }
                    report if report_id(&report) == Some(id) => reports.push(report),
                    other => self.aside.push_back(Event::Reply(other)),
                },
                Some(other) => self.aside.push_back(other),
                None if left.is_zero() => {
                    return Err(ClientError::Timeout {
                        what: "answer",
                        waited: timeout,
                    });
                }
                None => {}
            }
        }
    }
}

/// The requestId of a report that answers a query.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all other messages are no reports"
)]
fn report_id(reply: &Reply) -> Option<u64> {
    match reply {
        Reply::PositionReport(m) => Some(m.request_id),
        Reply::LimitReport(m) => Some(m.request_id),
        Reply::OpenOrderReport(m) => Some(m.request_id),
        Reply::StateReport(m) => Some(m.request_id),
        Reply::SessionReport(m) => Some(m.request_id),
        Reply::RoomReport(m) => Some(m.request_id),
        Reply::ProposalReport(m) => Some(m.request_id),
        _ => None,
    }
}
