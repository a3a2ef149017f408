//! Operation: instruments, accounts, the day, reconciliation. Each is answered by AdminAck.

use crate::messages;
use crate::types::{
    AdjustKind, Amount, Factor, Flag, LocateWhat, Price, Qty, ReconcileWhat, Text, Time,
};

messages! {
    #[doc = "Defines or changes an instrument: qtyStep, multiplier, currency, group and venue only before anybody held or ordered it."]
    126 DefineInstrument {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Smallest step of an order's price."]
        tick: Price,
        #[doc = "Smallest step of an order's quantity."]
        lot: Qty,
        #[doc = "Smallest quantity that can trade; divides the lot."]
        qty_step: Qty,
        #[doc = "Contract multiplier."]
        multiplier: Factor,
        #[doc = "Average daily volume, where loaded."]
        average_daily_volume: Qty [optional],
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Product group."]
        product_group: u32,
        #[doc = "Currency of its prices."]
        currency: Text<4>,
        #[doc = "Venue."]
        venue_id: u16,
        #[doc = "Zero."]
        reserved1: u16,
        #[doc = "Whether sells may be odd lots."]
        odd_lot_sell: Flag,
        #[doc = "Whether short sales are checked."]
        short_sale_check: Flag,
        #[doc = "Order types allowed: 1 market, 2 limit, 3 both."]
        ord_types: u8,
        #[doc = "Zero."]
        reserved2: u8,
        #[doc = "Symbol."]
        symbol: Text<20>,
    }

    #[doc = "Defines an account or moves it to another desk."]
    127 DefineAccount {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Account."]
        account: u32,
        #[doc = "Desk it belongs to."]
        desk_id: u32,
        #[doc = "Self-match group; 0 for the account alone."]
        self_match_group: u32,
        #[doc = "Whether the self-match check is off."]
        self_match_off: Flag,
        #[doc = "Whether this is the firm's suspense account."]
        suspense: Flag,
        #[doc = "Zero."]
        reserved: u16,
        #[doc = "Name."]
        name: Text<24>,
    }

    #[doc = "One row of an absolute load of positions; the last row completes the batch."]
    129 PositionLoad {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Id of the batch."]
        batch_id: u64,
        #[doc = "Signed position at the start of the day; null in a last row that carries no position."]
        qty: Qty [optional],
        #[doc = "Business date as YYYYMMDD."]
        business_date: u32,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Whether the batch is complete with this row."]
        last: Flag,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
    }

    #[doc = "Opens trading for a business date."]
    130 DayOpen {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Business date as YYYYMMDD."]
        business_date: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Ends the day and names the next one."]
    131 DayRoll {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "The new business date as YYYYMMDD."]
        business_date: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Confirms what is left of an unresolved order, or the reconciliation after a lossy restart."]
    132 Reconcile {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Order; 0 for a restart."]
        order_id: u64,
        #[doc = "What is live at the venue, at most what is reserved."]
        leaves_qty: Qty,
        #[doc = "What is confirmed."]
        what: ReconcileWhat,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Zero."]
        reserved3: u32,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
    }

    #[doc = "Overrides a position by a delta, or splits an instrument."]
    133 Adjust {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Id of the adjustment: the same id again has no effect."]
        adjust_id: u64,
        #[doc = "Position: signed change; null for a split."]
        qty: Qty [optional],
        #[doc = "Split: new units for each `denominator` old ones; else 0."]
        numerator: u32,
        #[doc = "Split: old units; else 0."]
        denominator: u32,
        #[doc = "Position: account; null for a split."]
        account: u32 [optional],
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "What is adjusted."]
        kind: AdjustKind,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
        #[doc = "Zero."]
        reserved3: u32,
        #[doc = "Who approved it."]
        approver: Text<16>,
        #[doc = "Why, for the journal."]
        reason: Text<32>,
    }

    #[doc = "Loads a settled position or located quantity for short sales; absolute for its date."]
    134 LocateLoad {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Settled position, or located quantity."]
        qty: Qty,
        #[doc = "Account."]
        account: u32,
        #[doc = "Instrument."]
        instrument_id: u32,
        #[doc = "Business date as YYYYMMDD."]
        business_date: u32,
        #[doc = "What is loaded."]
        what: LocateWhat,
        #[doc = "Zero."]
        reserved1: u8,
        #[doc = "Zero."]
        reserved2: u16,
    }

    #[doc = "Loads the cash of an account in one currency; absolute."]
    135 CashLoad {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Cash in 1e-4 of `currency` (not of the base currency)."]
        amount: Amount,
        #[doc = "Account."]
        account: u32,
        #[doc = "ISO 4217 code."]
        currency: Text<4>,
        #[doc = "Business date as YYYYMMDD."]
        business_date: u32,
        #[doc = "Zero."]
        reserved: u32,
    }

    #[doc = "Moves the clock of a server that runs with a commanded clock; refused by every other."]
    139 AdvanceTime {
        #[doc = "1 possDup."]
        flags: u32,
        #[doc = "Sequence number of the client's messages in this session, from 1."]
        seq_no: u64,
        #[doc = "Chosen by the client, echoed in the answer."]
        request_id: u64,
        #[doc = "Time from here on; one that has passed changes nothing."]
        time: Time,
    }
}
