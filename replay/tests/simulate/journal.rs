//! A journal to run again: the example firm with a few hundred orders, written as a server writes it.

use super::T;
use engine::command::{Command as Input, DefineSession, Sequenced, SessionUp, Started, Step};
use engine::decision::{Decision, Outbox, Outcome};
use engine::firm::{Firm, auto_day};
use engine::journal::{Build, JournalWriter, Options, RealFiles};
use engine::record::{MAX_RECORD, encode_record};
use engine::risk::RiskEngine;
use tempfile::TempDir;
use wire::{
    ApprovalAction, Approve, Capacity, CodMode, E8, ExecType, Flag, Liquidity, MassCancel,
    NewOrder, OrdType, Price, ProposalKind, Propose, Qty, RejectCode, ReplaceOrder, Scope,
    SetState, Side, Text, Time, TimeInForce, TradingState, VenueReport,
};

/// A small server: applies commands and adds steps one between two others, as the pipeline does.
struct Server {
    dir: TempDir,
    engine: RiskEngine,
    outbox: Outbox,
    writer: JournalWriter<RealFiles>,
    seq: u64,
    t: u64,
    numbers: [u64; 32],
}

impl Server {
    /// A server on a new journal, its day open.
    fn of(firm: &Firm) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            segment_bytes: 4 << 20,
            ..Options::new(Build::new("test").unwrap(), 1)
        };
        let writer = JournalWriter::create(RealFiles::new(dir.path()), options).unwrap();
        let mut server = Self {
            dir,
            engine: RiskEngine::new(),
            outbox: Outbox::new(),
            writer,
            seq: 0,
            t: T,
            numbers: [0; 32],
        };
        for command in firm.genesis(Time(T)) {
            server.own(command);
        }
        server.own(Started {
            epoch: 1,
            server_time: Time(T),
            ack: 1,
            clean: Flag::Yes,
            restricted: Flag::No,
            clock_commanded: Flag::No,
            ..Started::default()
        });
        for command in auto_day(20_260_921) {
            server.own(command);
        }
        server
    }

    fn come_up(&mut self, sessions: &[u32]) {
        for session_id in sessions {
            self.own(SessionUp {
                session_id: *session_id,
                cod_mode: CodMode::Off,
                ..SessionUp::default()
            });
        }
    }

    fn stop(mut self) -> TempDir {
        self.writer.write_batch(self.t).unwrap();
        self.writer.sync().unwrap();
        self.writer.clean_stop(self.t).unwrap();
        self.dir
    }

    fn push(&mut self, session_id: u32, in_seq_no: u64, command: Input) -> Decision {
        self.seq += 1;
        let input = Sequenced {
            seq: self.seq,
            t: self.t,
            session_id,
            in_seq_no,
            busy: false,
            command,
        };
        let decision = self.engine.apply(&input, &mut self.outbox);
        let mut record = [0; MAX_RECORD];
        let length = encode_record(&input, &decision, &mut record);
        self.writer.push(self.seq, &record[..length]).unwrap();
        decision
    }

    fn own(&mut self, command: impl Into<Input>) -> Decision {
        self.push(0, 0, command.into())
    }

    fn send(&mut self, session_id: u32, command: impl Into<Input>) -> Decision {
        if self.engine.has_pending_steps() {
            self.own(Step::default());
        }
        self.t += 1_000;
        let place = usize::try_from(session_id).unwrap();
        self.numbers[place] += 1;
        let number = self.numbers[place];
        let decision = self.push(session_id, number, numbered(command.into(), number));
        self.writer.write_batch(self.t).unwrap();
        decision
    }
}

/// Clients number their messages; the journal holds them as they came.
fn numbered(command: Input, seq_no: u64) -> Input {
    match command {
        Input::NewOrder(m) => NewOrder { seq_no, ..m }.into(),
        Input::ReplaceOrder(m) => ReplaceOrder { seq_no, ..m }.into(),
        Input::MassCancel(m) => MassCancel { seq_no, ..m }.into(),
        Input::VenueReport(m) => VenueReport { seq_no, ..m }.into(),
        Input::SetState(m) => SetState { seq_no, ..m }.into(),
        Input::Propose(m) => Propose { seq_no, ..m }.into(),
        Input::Approve(m) => Approve { seq_no, ..m }.into(),
        other => other,
    }
}

fn limit_order(id: u64, account: u32, trader_id: u16, side: Side, qty: i64) -> NewOrder {
    NewOrder {
        cl_ord_id: id,
        price: Price(585 * E8),
        qty: Qty(qty * E8),
        account,
        instrument_id: 1,
        trader_id,
        side,
        ord_type: OrdType::Limit,
        tif: TimeInForce::Day,
        capacity: Capacity::Agency,
        ..NewOrder::default()
    }
}

/// A journal of the example firm: orders of both desks, fills, a replace, a kill switch over many live
/// orders with its steps, a release.
pub(crate) fn journal() -> TempDir {
    let mut server = Server::of(&Firm::example());
    server.come_up(&[1, 2, 11, 21]);
    for id in 1..=200_u64 {
        let (session, account, trader) = if id % 2 == 0 { (1, 1, 1) } else { (2, 4, 3) };
        let qty = i64::try_from(id * 7 % 900 + 1).unwrap();
        let side = if id % 3 == 0 { Side::Sell } else { Side::Buy };
        let decision = server.send(session, limit_order(id, account, trader, side, qty));
        if id % 4 == 0 && decision.order_id != 0 {
            let fill = VenueReport {
                order_id: decision.order_id,
                cl_ord_id: id,
                venue_exec_id: id,
                last_px: Price(584 * E8),
                last_qty: Qty(E8),
                transact_time: Time(server.t),
                trade_date: 20_260_921,
                account,
                instrument_id: 1,
                order_session_id: session,
                venue_id: 1,
                exec_type: ExecType::Fill,
                side,
                liquidity: Liquidity::Removed,
                ..VenueReport::default()
            };
            server.send(11, fill);
        }
    }
    for state in [TradingState::Halted, TradingState::Active] {
        let version = u32::from(state == TradingState::Active);
        let set = SetState {
            request_id: 1,
            expected_version: version,
            scope: Scope::Firm,
            state,
            cancel_open: Flag::Yes,
            reason: Text::new("drill"),
            ..SetState::default()
        };
        server.send(21, set);
        for id in 1..=5 {
            let id = 300 + u64::from(version) * 10 + id;
            server.send(2, limit_order(id, 4, 3, Side::Buy, 5));
        }
    }
    server.stop()
}

/// A journal of one order for account 4, a minute after the firm was founded.
pub(crate) fn journal_of_one_order(
    firm: &Firm,
    order: impl FnOnce(NewOrder) -> NewOrder,
) -> TempDir {
    let mut server = Server::of(firm);
    server.come_up(&[2]);
    server.t += 60_000_000_000;
    server.send(2, order(limit_order(1, 4, 3, Side::Buy, 5)));
    server.stop()
}

/// A journal of a firm in which two people must agree: session 24 approves what 21 proposes, first with the key
/// of 21 and then, once the server has read its key file again, with another.
pub(crate) fn journal_of_two_people(firm: &Firm) -> TempDir {
    let mut firm = firm.clone();
    for file in firm.key_files.clone() {
        let id = file.session_id.min(23);
        firm.set_public_key(file.session_id, &format!("{:064x}", id.min(21)))
            .unwrap();
    }
    let mut server = Server::of(&firm);
    server.come_up(&[1, 2, 11, 21, 24]);
    let set = |state, version| SetState {
        request_id: 1,
        expected_version: version,
        scope: Scope::Firm,
        state,
        reason: Text::new("drill"),
        ..SetState::default()
    };
    let propose = Propose {
        request_id: 2,
        what: ProposalKind::State,
        state: TradingState::Active,
        scope: Scope::Firm,
        scope_id: 0,
        expected_version: 1,
        reason: Text::new("over"),
        ..Propose::default()
    };
    let approve = Approve {
        request_id: 3,
        proposal_id: 1,
        action: ApprovalAction::Approve,
        reason: Text::new("agreed"),
        ..Approve::default()
    };
    server.send(21, set(TradingState::Halted, 0));
    server.send(21, propose);
    let alone = server.send(24, approve);
    assert_eq!(alone.code, RejectCode::NotAuthorised.number());
    let session = *firm
        .sessions()
        .iter()
        .find(|one| one.session_id == 24)
        .unwrap();
    server.own(DefineSession {
        key_id: 2,
        public_key: Text::new(&"cd".repeat(32)),
        ..session
    });
    let together = server.send(24, approve);
    assert_eq!(together.outcome, Outcome::Applied);
    server.send(2, limit_order(1, 4, 3, Side::Buy, 5));
    server.stop()
}
