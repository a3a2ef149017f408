//! Which reports of a flow would never have come: they speak of orders, or of terms of an order, that the
//! input accepted and this firm has refused. Leaves out what was decided of them (see `simulator`).
//!
//! - An order that was refused here exists in the input only. All that is said of it is left out, by
//!   whichever of its ids, and so is what takes back or corrects one of its fills.
//! - An order of which a *replace* was refused here stands at the venue as before, while the input's went
//!   on under other terms: it is *parted*. What names the refused replace is left out, and so is a fill of
//!   more than the order here has left. What ends the order in the input ends it here.

use engine::date::is_date;
use engine::firm::Firm;
use engine::risk::RiskEngine;
use std::collections::{BTreeMap, BTreeSet};
use wire::{ExecType, NewOrder, Qty, ReplaceOrder, Role, Side, VenueReport};

/// An order about which input and simulation differ, and what a report must agree with to be of it.
#[derive(Debug, Clone, Copy)]
struct Order {
    session_id: u32,
    instrument_id: u32,
    buy: bool,
    /// Whether it exists here, under other terms than in the input.
    parted: bool,
}

/// An execution as venues number them. The date stands last: a report without one means the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Execution {
    venue_id: u16,
    instrument_id: u32,
    buy: bool,
    exec_id: u64,
    trade_date: u32,
}

impl Execution {
    /// Whether it is the one that is named, by its day or by any.
    fn is(&self, named: &Self, any_day: bool) -> bool {
        let of_day = Self {
            trade_date: if any_day {
                self.trade_date
            } else {
                named.trade_date
            },
            ..*named
        };
        *self == of_day
    }
}

/// Which order a report speaks of.
enum Of {
    /// One that exists in the input only.
    InputOnly,
    /// Terms of a parted order that exist in the input only.
    OtherTerms(u64),
    /// A parted order, by an id that it has here too.
    Parted {
        /// What it can be filled with at most; nothing once it has ended here.
        left: i64,
    },
    /// Any other, or none.
    Another,
}

/// What exists in the input only.
#[derive(Debug)]
pub(crate) struct LeftOut {
    /// By order id.
    orders: BTreeMap<u64, Order>,
    /// Ids of sessions that exist in the input only, and the order that each belongs to.
    ids: BTreeMap<(u32, u64), u64>,
    /// Fills that were left out.
    executions: BTreeSet<Execution>,
    /// Corrections that were left out of fills that are booked here, by the id that they gave: the id here.
    corrected: BTreeMap<Execution, u64>,
    /// Venues of their sessions: each speaks for itself only.
    venues: BTreeMap<u32, u16>,
}

impl LeftOut {
    pub(crate) fn new(firm: &Firm) -> Self {
        let venues = firm.sessions().iter().filter(|one| one.role == Role::Venue);
        Self {
            orders: BTreeMap::new(),
            ids: BTreeMap::new(),
            executions: BTreeSet::new(),
            corrected: BTreeMap::new(),
            venues: venues.map(|one| (one.session_id, one.venue_id)).collect(),
        }
    }

    /// Notes an order that the input accepted and this firm has refused.
    pub(crate) fn refused_order(&mut self, order_id: u64, session_id: u32, order: &NewOrder) {
        self.ids.insert((session_id, order.cl_ord_id), order_id);
        let order = Order {
            session_id,
            instrument_id: order.instrument_id,
            buy: order.side == Side::Buy,
            parted: false,
        };
        self.orders.insert(order_id, order);
    }

    /// Notes a replace that the input accepted and this firm has refused.
    pub(crate) fn refused_replace(
        &mut self,
        engine: &RiskEngine,
        session_id: u32,
        replace: &ReplaceOrder,
    ) {
        let id = (session_id, replace.cl_ord_id);
        if let Some(order_id) = self.ids.get(&(session_id, replace.orig_cl_ord_id)) {
            self.ids.insert(id, *order_id);
            return;
        }
        // One that is forgotten here ended long ago.
        let Some(order) = engine.order_of(session_id, replace.orig_cl_ord_id, 0) else {
            return;
        };
        self.ids.insert(id, order.order_id);
        let parted = Order {
            session_id,
            instrument_id: order.instrument_id,
            buy: order.side == Side::Buy,
            parted: true,
        };
        self.orders.insert(order.order_id, parted);
    }

    /// The report as it is decided here; `None` where it is left out.
    pub(crate) fn keep(
        &mut self,
        engine: &RiskEngine,
        session_id: u32,
        report: &VenueReport,
    ) -> Option<VenueReport> {
        if self.orders.is_empty() {
            return Some(*report);
        }
        let report = &self.as_named_here(engine, session_id, report);
        let names = self.executions_of(engine, session_id, report);
        let booked = match report.exec_type {
            ExecType::Fill => engine.booked_as(session_id, report, report.venue_exec_id),
            ExecType::Bust | ExecType::Correct => {
                engine.booked_as(session_id, report, report.ref_exec_id)
            }
            _ => None,
        };
        if let Some(booked) = booked {
            // A fill that is told again changes nothing here either.
            let is_kept = report.exec_type == ExecType::Fill || self.fits(engine, booked, report);
            if !is_kept && let Some(new) = names.new {
                self.corrected.insert(new, report.ref_exec_id);
            }
            return is_kept.then_some(*report);
        }
        if names.named.is_some_and(|named| self.has(named)) {
            self.executions.extend(names.new);
            return None;
        }
        let kept = self.kept_of_order(engine, session_id, report);
        if kept.is_none() {
            self.executions.extend(names.named);
            self.executions.extend(names.new);
        }
        kept
    }

    /// A bust or correction of a correction that was left out is one of the fill that is booked here.
    fn as_named_here(
        &self,
        engine: &RiskEngine,
        session_id: u32,
        report: &VenueReport,
    ) -> VenueReport {
        let takes_back = matches!(report.exec_type, ExecType::Bust | ExecType::Correct);
        let named = self.executions_of(engine, session_id, report).named;
        let here = named.filter(|_| takes_back).and_then(|named| {
            let any_day = named.trade_date == 0;
            let mut corrected = self.corrected.iter();
            corrected.find_map(|(one, here)| one.is(&named, any_day).then_some(*here))
        });
        VenueReport {
            ref_exec_id: here.unwrap_or(report.ref_exec_id),
            ..*report
        }
    }

    /// What is booked here is taken back here, and corrected unless that fills a parted order with more than it
    /// has left.
    fn fits(&self, engine: &RiskEngine, booked: (u64, i64), report: &VenueReport) -> bool {
        let (order_id, qty) = booked;
        let parted = self.orders.get(&order_id).filter(|order| order.parted);
        let grows = if report.exec_type == ExecType::Correct {
            report.last_qty.0.saturating_sub(qty)
        } else {
            0
        };
        parted.is_none_or(|order| grows <= left_of(engine, order, order_id).max(0))
    }

    /// What is said of an order.
    fn kept_of_order(
        &mut self,
        engine: &RiskEngine,
        session_id: u32,
        report: &VenueReport,
    ) -> Option<VenueReport> {
        let kind = report.exec_type;
        let ends = matches!(
            kind,
            ExecType::Cancelled | ExecType::Expired | ExecType::Rejected | ExecType::CancelRejected
        );
        let of = self.order_of(engine, session_id, report);
        match of {
            Of::InputOnly => None,
            // What the venue filled in all counts fills that were left out.
            Of::OtherTerms(order_id) if ends => Some(VenueReport {
                order_id,
                cum_qty: Qty::NULL,
                ..*report
            }),
            Of::OtherTerms(order_id) => {
                if kind == ExecType::ReplaceRejected {
                    self.replace_rejected(owner_of(session_id, report), report.cl_ord_id, order_id);
                }
                None
            }
            Of::Parted { .. } if ends => Some(VenueReport {
                cum_qty: Qty::NULL,
                ..*report
            }),
            Of::Parted { left } => {
                // A correction of a fill that was not seen is one.
                let fills = matches!(kind, ExecType::Fill | ExecType::Correct);
                (!fills || report.last_qty.0 <= left).then_some(*report)
            }
            Of::Another => Some(*report),
        }
    }

    /// The venue refused the input's replace as well: without another one the order is the input's again.
    fn replace_rejected(&mut self, session_id: u32, cl_ord_id: u64, order_id: u64) {
        self.ids.remove(&(session_id, cl_ord_id));
        if !self.ids.values().any(|other| *other == order_id) {
            self.orders.remove(&order_id);
        }
    }

    /// Whether a fill was left out. One without a date is any day's.
    fn has(&self, named: Execution) -> bool {
        let of = |trade_date| Execution {
            trade_date,
            ..named
        };
        if named.trade_date == 0 {
            let mut any = self.executions.range(of(0)..=of(u32::MAX));
            return any.next().is_some();
        }
        self.executions.contains(&named)
    }

    /// The order of a report, found as the engine finds one: by an id of the session that sent the order, or
    /// else by its own; and only one that the report fits.
    fn order_of(&self, engine: &RiskEngine, session_id: u32, report: &VenueReport) -> Of {
        let owner = owner_of(session_id, report);
        let other_terms = self.ids.get(&(owner, report.cl_ord_id)).copied();
        let order_id = other_terms
            .or_else(|| {
                let here = engine.order_of(owner, report.cl_ord_id, 0)?;
                Some(here.order_id)
            })
            .unwrap_or(report.order_id);
        let Some(order) = self.orders.get(&order_id) else {
            return Of::Another;
        };
        let fits = order.session_id == owner
            && order.instrument_id == report.instrument_id
            && order.buy == (report.side == Side::Buy)
            && (report.order_id == 0 || report.order_id == order_id);
        match (fits, order.parted, other_terms) {
            (false, _, _) => Of::Another,
            (true, false, _) => Of::InputOnly,
            (true, true, Some(_)) => Of::OtherTerms(order_id),
            (true, true, None) => Of::Parted {
                left: left_of(engine, order, order_id),
            },
        }
    }

    /// A fill without a date is today's, and so is what a correction makes of one; what is taken back without a date
    /// may be of any day.
    fn executions_of(
        &self,
        engine: &RiskEngine,
        session_id: u32,
        report: &VenueReport,
    ) -> Executions {
        let (named, new) = match report.exec_type {
            ExecType::Fill => (report.venue_exec_id, 0),
            ExecType::Bust => (report.ref_exec_id, 0),
            ExecType::Correct => (report.ref_exec_id, report.venue_exec_id),
            _ => return Executions::default(),
        };
        let venue = self.venues.get(&session_id);
        let today = engine.firm().map_or(0, |firm| firm.business_date);
        let execution = |exec_id, undated| Execution {
            venue_id: venue.copied().unwrap_or(report.venue_id),
            instrument_id: report.instrument_id,
            buy: report.side == Side::Buy,
            exec_id,
            trade_date: if is_date(report.trade_date) {
                report.trade_date
            } else {
                undated
            },
        };
        let any_day = if report.exec_type == ExecType::Fill {
            today
        } else {
            0
        };
        Executions {
            named: Some(execution(named, any_day)),
            new: (new != 0).then(|| execution(new, today)),
        }
    }
}

/// The session that sent a report's order.
fn owner_of(session_id: u32, report: &VenueReport) -> u32 {
    match report.order_session_id {
        0 => session_id,
        id => id,
    }
}

/// What a parted order can be filled with at most; nothing once it has ended here.
fn left_of(engine: &RiskEngine, order: &Order, order_id: u64) -> i64 {
    engine
        .order_of(order.session_id, 0, order_id)
        .map_or(0, |here| here.reserved_qty)
}

/// The executions that a report speaks of.
#[derive(Default)]
struct Executions {
    /// The one that it reports, takes back or corrects.
    named: Option<Execution>,
    /// What that becomes, under another id.
    new: Option<Execution>,
}
