//! Orders as their clients know them: one entry an order, with the steps that still wait for an answer.

use std::collections::VecDeque;
use std::time::Instant;
use wire::{NewOrder, Side};

/// What is to happen to an order next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Replace {
        price_e8: i64,
        qty_e8: i64,
    },
    Cancel,
    Fill {
        price_e8: i64,
        qty_e8: i64,
        exec_id: u64,
    },
}

/// What the last step of an order waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    Nothing,
    /// The answer to the new order, and its arrival at the venue.
    Entry,
    Replaced,
    Cancelled,
    Filled,
}

/// Where an order is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    Sent,
    Live,
    Refused(u16),
    Done,
}

/// One order.
#[derive(Debug)]
pub(super) struct Order {
    /// Index of its desk.
    pub(super) desk: usize,
    pub(super) account: u32,
    pub(super) instrument: u32,
    pub(super) trader: u16,
    pub(super) side: Side,
    pub(super) price_e8: i64,
    pub(super) qty_e8: i64,
    pub(super) cum_e8: i64,
    /// Id of the version in force.
    pub(super) cl_ord_id: u64,
    /// Id and terms of the replace under way.
    pub(super) replacing: Option<(u64, i64, i64)>,
    pub(super) order_id: u64,
    pub(super) life: Life,
    pub(super) at_venue: bool,
    pub(super) waiting: Waiting,
    pub(super) todo: VecDeque<Step>,
    /// Sequence in the journal of the answer to the new order.
    pub(super) engine_seq: u64,
}

impl Order {
    pub(super) fn new(desk: usize, cl_ord_id: u64, m: &NewOrder) -> Self {
        Self {
            desk,
            account: m.account,
            instrument: m.instrument_id,
            trader: m.trader_id,
            side: m.side,
            price_e8: m.price.0,
            qty_e8: m.qty.0,
            cum_e8: 0,
            cl_ord_id,
            replacing: None,
            order_id: 0,
            life: Life::Sent,
            at_venue: false,
            waiting: Waiting::Entry,
            todo: VecDeque::new(),
            engine_seq: 0,
        }
    }

    pub(super) fn leaves_e8(&self) -> i64 {
        (self.qty_e8 - self.cum_e8).max(0)
    }

    pub(super) fn is_live(&self) -> bool {
        self.life == Life::Live
    }

    /// A quantity with the sign of the order's side.
    pub(super) fn signed(&self, qty_e8: i64) -> i64 {
        if self.side == Side::Buy {
            qty_e8
        } else {
            -qty_e8
        }
    }
}

/// What an order message asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    New,
    Replace,
    Cancel,
}

/// An order message and whether it has been answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) asked: Asked,
    /// Index of its order; none for a cancel of an order that never was.
    pub(super) order: Option<usize>,
    pub(super) sent_at: Instant,
    /// The code that it was answered with, 0 for accepted.
    pub(super) answer: Option<u16>,
}
