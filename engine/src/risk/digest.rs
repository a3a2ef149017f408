//! Digests of the state: equal after equal histories, on every machine and build.
//!
//! The *risk* digest covers all that decides; the *session* digest covers time, sequence numbers and
//! clOrdId marks (R33). Entries are taken in an order of their own ids, never of a table's layout.

use super::RiskEngine;
use crate::executions::Standing;
use crate::exposure::ShortBook;
use crate::orders::VersionState;
use wire::codec::encode_block;
use wire::{Message, OrderStatus};

/// Collects integers and hashes them; a tag before each part keeps parts apart.
struct Collector(blake3::Hasher);

impl Collector {
    fn new(context: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(context.as_bytes());
        Self(hasher)
    }

    fn part(&mut self, tag: u8, count: usize) {
        self.0.update(&[0xff, tag]);
        self.0.update(&(count as u64).to_le_bytes());
    }

    fn put(&mut self, value: impl Into<i128>) {
        self.0.update(&value.into().to_le_bytes());
    }

    fn message<M: Message>(&mut self, message: &M) {
        let mut block = [0; wire::codec::MAX_FRAME];
        let len = encode_block(message, &mut block);
        self.0.update(&block[..len]);
    }

    fn finish(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

impl RiskEngine {
    /// Digest of all that decides, except time, sequence numbers and clOrdId marks.
    #[must_use]
    pub fn risk_digest(&self) -> [u8; 32] {
        if self.state.exposure.remarks.is_pending() {
            // It says what all scopes come to, not how far the steps have brought them.
            let mut finished = self.clone();
            finished.finish_valuation();
            return finished.risk_digest();
        }
        let mut to = Collector::new("portcullis risk digest v1");
        let state = &self.state;
        to.message(&state.firm);
        to.put(state.epoch);
        to.put(u8::from(state.restricted));
        to.put(u8::from(state.clock_commanded));
        to.put(u8::from(state.full));
        to.put(state.day.date);
        to.put(u8::from(state.day.ready));
        to.put(state.day.loaded);
        to.part(1, state.day.loads.len());
        for ((batch, date, account, instrument), qty) in &state.day.loads {
            to.put(*batch);
            for value in [*date, *account, *instrument] {
                to.put(value);
            }
            to.put(*qty);
        }
        to.part(2, state.day.dates.len());
        for date in &state.day.dates {
            to.put(*date);
        }
        self.digest_tree(&mut to);
        self.digest_instruments(&mut to);
        self.digest_limits(&mut to);
        self.digest_rows(&mut to);
        self.digest_orders(&mut to);
        self.digest_rest(&mut to);
        to.finish()
    }

    fn digest_tree(&self, to: &mut Collector) {
        let tree = &self.state.tree;
        let mut nodes: Vec<_> = tree.iter().collect();
        nodes.sort_by_key(|node| (node.scope, node.id));
        to.part(3, nodes.len());
        for node in nodes {
            to.put(node.scope.0);
            to.put(node.id);
            to.put(tree.get(node.desk).id);
            to.put(node.state.0);
            to.put(node.state_version);
            to.put(node.self_match_group);
            to.put(u8::from(node.self_match_off));
            to.part(4, node.forbidden.len());
            for entry in &node.forbidden {
                to.put(entry.selector.0);
                to.put(entry.selector_id);
                to.put(entry.ord_type.0);
            }
        }
        to.put(
            tree.suspense
                .map_or(-1, |slot| i128::from(tree.get(slot).id)),
        );
    }

    fn digest_instruments(&self, to: &mut Collector) {
        let instruments = &self.state.instruments;
        let mut items: Vec<_> = instruments.iter().collect();
        items.sort_by_key(|instrument| instrument.id);
        to.part(5, items.len());
        for instrument in items {
            to.message(&wire::DefineInstrument {
                flags: 0,
                seq_no: 0,
                request_id: 0,
                ..instrument.definition
            });
            to.put(instrument.reference.map_or(i64::MIN, |r| r.price));
            to.put(instrument.reference.map_or(0, |r| r.feed_time));
            to.put(instrument.last_reference.unwrap_or(i64::MIN));
            to.put(instrument.mark.unwrap_or(i64::MIN));
            to.put(instrument.opening_mark.unwrap_or(i64::MIN));
            to.put(u8::from(instrument.last_factor.is_some()));
            to.put(instrument.state.0);
            to.put(instrument.state_version);
        }
        let mut currencies: Vec<_> = instruments.currencies.iter().collect();
        currencies.sort_by_key(|currency| currency.code);
        to.part(6, currencies.len());
        for currency in currencies {
            to.0.update(&currency.code.0);
            to.put(currency.rate.unwrap_or(i64::MIN));
            to.put(currency.rate_time);
            to.put(currency.max_age_ns.map_or(-1, i128::from));
            to.put(currency.version);
        }
    }

    fn digest_limits(&self, to: &mut Collector) {
        let tree = &self.state.tree;
        let mut limits: Vec<_> = self
            .state
            .limits
            .iter()
            .map(|limit| {
                let node = tree.get(limit.scope);
                (
                    (
                        node.scope,
                        node.id,
                        limit.kind,
                        limit.selector,
                        limit.selector_id,
                    ),
                    limit,
                )
            })
            .collect();
        limits.sort_by_key(|(key, _)| *key);
        to.part(7, limits.len());
        for ((scope, id, kind, selector, selector_id), limit) in limits {
            for value in [scope.0, kind.0, selector.0, limit.unit.0, limit.mode.0] {
                to.put(value);
            }
            to.put(id);
            to.put(selector_id);
            to.put(limit.value.unwrap_or(i64::MIN));
            to.put(limit.permanent.unwrap_or(i64::MIN));
            to.put(limit.expires_at);
            to.put(limit.warned);
            to.put(limit.window_ns);
            to.put(limit.version);
            to.put(limit.arrival);
            to.put(u8::from(limit.breached));
            for level in limit.warn {
                to.put(level);
            }
        }
    }

    fn digest_rows(&self, to: &mut Collector) {
        let rows: Vec<_> = self.rows().collect();
        to.part(8, rows.len());
        for row in rows {
            to.put(row.scope.0);
            to.put(row.scope_id);
            to.put(row.instrument_id);
            for value in [
                row.position,
                row.open_buy,
                row.open_sell,
                row.reserved_buy,
                row.reserved_sell,
                row.value.unwrap_or(i128::MIN),
                row.bought,
                row.sold,
                row.day_pnl.unwrap_or(i128::MIN),
            ] {
                to.put(value);
            }
        }
        self.digest_shorts(to);
        let tree = &self.state.tree;
        let mut day_fills: Vec<_> = self
            .state
            .exposure
            .rows()
            .filter(|row| row.day_fills != 0)
            .map(|row| {
                let instrument = self.state.instruments.get(row.instrument).id;
                (tree.get(row.scope).id, instrument, row.day_fills)
            })
            .collect();
        day_fills.sort_unstable();
        to.part(9, day_fills.len());
        for (account, instrument, fills) in day_fills {
            to.put(account);
            to.put(instrument);
            to.put(fills);
        }
    }

    fn digest_orders(&self, to: &mut Collector) {
        let mut orders: Vec<_> = self.state.orders.remembered().collect();
        orders.sort_by_key(|(_, order)| order.order_id);
        to.part(10, orders.len());
        for (slot, order) in orders {
            let view = self.order_view(slot);
            to.put(view.order_id);
            to.put(view.session_id);
            to.put(view.account);
            to.put(view.instrument_id);
            to.put(view.trader_id);
            to.put(view.strategy_id);
            for value in [
                view.side.0,
                view.ord_type.0,
                view.tif.0,
                view.status.0,
                order.capacity.0,
            ] {
                to.put(value);
            }
            to.put(view.cum_qty);
            to.put(view.reserved_qty);
            to.put(view.reserved_value);
            to.put(order.reserved_cash);
            to.put(self.state.orders.largest_qty(slot));
            for flag in [
                order.acknowledged,
                order.cancel_pending,
                order.unresolved,
                order.inline,
                view.status == OrderStatus::Terminal,
            ] {
                to.put(u8::from(flag));
            }
            let marks = self.state.orders.marks(slot);
            to.put(marks.matched);
            to.put(marks.due);
            to.part(11, self.state.orders.versions(slot).count());
            for version in self.state.orders.versions(slot) {
                to.put(version.cl_ord_id);
                to.put(version.price.0);
                to.put(version.qty);
                to.put(version.leaves_at_accept);
                to.put(version.value_at_accept);
                to.put(version.cash_at_accept);
                to.put(version.gone);
                to.put(match version.state {
                    VersionState::Pending => 0_u8,
                    VersionState::InForce => 1,
                    VersionState::Superseded => 2,
                    VersionState::Refused => 3,
                });
            }
        }
    }

    fn digest_rest(&self, to: &mut Collector) {
        let mut executions: Vec<_> = self.state.executions.iter().collect();
        executions.sort_by_key(|execution| execution.key);
        to.part(12, executions.len());
        for execution in executions {
            let key = execution.key;
            to.put(key.exec_id);
            to.put(self.state.instruments.get(key.instrument).id);
            to.put(key.trade_date);
            to.put(key.venue_id);
            to.put(u8::from(key.buy));
            to.put(execution.price);
            to.put(execution.qty);
            to.put(execution.side.0);
            to.put(match execution.standing {
                Standing::Booked => 0_u8,
                Standing::Busted => 1,
                Standing::Tombstone { reopen: false } => 2,
                Standing::Tombstone { reopen: true } => 3,
            });
            to.put(match execution.spoken_for() {
                Some(account) => u64::from(self.state.tree.get(account).id),
                None => execution.order_id,
            });
        }
        self.digest_books(to);
        to.part(13, self.jobs.iter().count());
        for (bit, job) in self.jobs.iter() {
            to.put(bit as u64);
            to.put(job.ref_id);
            to.put(job.reason.0);
            to.put(job.requested);
            to.put(job.outstanding);
            to.put(job.cursor.map_or(-1, i128::from));
        }
        let mut sessions: Vec<_> = self.state.sessions.iter().collect();
        sessions.sort_by_key(|session| session.id());
        to.part(14, sessions.len());
        for session in sessions {
            to.message(&session.definition);
            to.put(u8::from(session.up));
            to.put(session.cod_mode.0);
            to.put(session.cod_grace_ns);
            to.put(session.cod_deadline);
            let id_of = |slot: &u32| self.state.tree.get(*slot).id;
            for (tag, list) in [(15, &session.accounts), (16, &session.traders)] {
                let mut ids: Vec<u32> = list.slots().iter().map(id_of).collect();
                ids.sort_unstable();
                to.part(tag, ids.len());
                for id in ids {
                    to.put(id);
                }
            }
        }
        to.part(17, self.state.unbooked.len());
        for seq in &self.state.unbooked {
            to.put(*seq);
        }
    }

    /// Settled positions and locates.
    fn digest_shorts(&self, to: &mut Collector) {
        let state = &self.state;
        let mut books: Vec<_> = (0_u32..)
            .zip(state.exposure.rows())
            .map(|(slot, row)| {
                let node = state.tree.get(row.scope);
                let instrument = state.instruments.get(row.instrument).id;
                (
                    (node.scope, node.id, instrument),
                    *state.exposure.short(slot),
                    state.exposure.live_sells(slot),
                )
            })
            .filter(|(_, book, live_sells)| *book != ShortBook::default() || *live_sells != 0)
            .collect();
        books.sort_unstable_by_key(|(key, ..)| *key);
        to.part(18, books.len());
        for ((scope, id, instrument), book, live_sells) in books {
            to.put(scope.0);
            to.put(id);
            to.put(instrument);
            for value in [book.settled, book.sold, book.locates, book.located_used] {
                to.put(value);
            }
            to.put(live_sells);
        }
    }

    /// Cash, recent orders and fills, adjustments.
    fn digest_books(&self, to: &mut Collector) {
        let state = &self.state;
        let mut cash: Vec<_> = state
            .cash
            .iter()
            .map(|(account, currency, book)| {
                let code = state.instruments.currencies[*currency as usize].code;
                ((state.tree.get(*account).id, code), *book)
            })
            .collect();
        cash.sort_unstable_by_key(|(key, _)| *key);
        to.part(19, cash.len());
        for ((account, code), book) in cash {
            to.put(account);
            to.0.update(&code.0);
            to.put(book.cash.unwrap_or(i128::MIN));
            to.put(book.reserved);
        }
        to.part(20, state.accepted_orders.iter().count());
        for (key, t) in state.accepted_orders.iter() {
            to.put(state.tree.get(key.account).id);
            to.put(state.instruments.get(key.instrument).id);
            to.put(u8::from(key.buy));
            to.put(key.price);
            to.put(key.qty);
            to.put(t);
        }
        for (tag, logs) in [(21, &state.trader_fills), (22, &state.account_fills)] {
            let mut logs: Vec<_> = logs
                .iter()
                .map(|((scope, group), log)| ((state.tree.get(*scope).id, *group), log))
                .collect();
            logs.sort_unstable_by_key(|(key, _)| *key);
            to.part(tag, logs.len());
            for ((id, group), log) in logs {
                to.put(id);
                to.put(group);
                to.put(u8::from(log.frozen));
                to.part(23, log.iter().count());
                for fill in log.iter() {
                    to.put(fill.t);
                    to.put(state.instruments.get(fill.instrument).id);
                    to.put(fill.qty);
                }
            }
        }
        to.part(25, state.proposals.iter().count());
        to.put(state.proposals.last_id);
        for proposal in state.proposals.iter() {
            to.put(proposal.id);
            to.put(proposal.session_id);
            to.put(proposal.proposed_at);
            to.put(proposal.expires_at);
            to.0.update(&proposal.by.key.0);
            to.0.update(&proposal.by.person.0);
            to.message(&wire::Propose {
                flags: 0,
                seq_no: 0,
                request_id: 0,
                ..proposal.change
            });
        }
        to.part(24, state.adjusted.len());
        for id in &state.adjusted {
            to.put(*id);
        }
    }

    /// Digest of time, sequence numbers, clOrdId marks and what waits to be sent.
    #[must_use]
    pub fn session_digest(&self) -> [u8; 32] {
        let mut to = Collector::new("portcullis session digest v1");
        to.put(self.seq);
        to.put(self.t);
        let mut sessions: Vec<_> = self.state.sessions.iter().collect();
        sessions.sort_by_key(|session| session.id());
        to.part(1, sessions.len());
        for session in sessions {
            to.put(session.id());
            to.put(session.last_applied);
            to.put(session.next_out);
            to.put(session.cl_ord_id_mark);
        }
        to.part(2, self.backlog.len());
        for (slot, reply) in &self.backlog {
            to.put(self.state.sessions.get(*slot).id());
            let mut block = [0; wire::codec::MAX_FRAME];
            let len = reply.encode_block(&mut block);
            to.0.update(&block[..len]);
        }
        to.finish()
    }
}
