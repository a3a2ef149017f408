"""Every message, enum and reject code of the protocol, schema 7201 version 0.

Generated from engine/wire/src by PORTCULLIS_BLESS=1 cargo test -p wire; a test keeps it true.

Names are the schema's in Python's spelling (clOrdId is cl_ord_id). Prices, quantities, rates and
amounts are decimal.Decimal in their natural unit, times are nanoseconds since 1970 in UTC, None is
the null value. Reserved fields are not shown.
"""

# ruff: noqa: E501
from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from typing import ClassVar, Final, TypeAlias

from portcullis.layout import (
    Chars,
    Enumerated,
    Field,
    Integer,
    Message,
    Pad,
    Reply,
    Request,
    Scaled,
    SessionMessage,
)

SCHEMA_ID: Final = 7201
VERSION: Final = 0
MAGIC: Final = 0xEB50
HEADER_LEN: Final = 12
MAX_FRAME: Final = 512
POSS_DUP: Final = 1
WHAT_IF: Final = 2
REPLY_REQUESTED: Final = 4


class Flag(IntEnum):
    """No or yes."""

    NO = 0
    """No."""

    YES = 1
    """Yes."""


class Side(IntEnum):
    """Side of an order (FIX tag 54)."""

    BUY = 1
    """Buy."""

    SELL = 2
    """Sell a position that is held."""

    SELL_SHORT = 5
    """Sell short."""


class OrdType(IntEnum):
    """Order type (FIX tag 40)."""

    MARKET = 1
    """Market."""

    LIMIT = 2
    """Limit."""

    STOP = 3
    """Stop: in the schema so that it can be refused by name; not supported."""

    STOP_LIMIT = 4
    """Stop limit: in the schema so that it can be refused by name; not supported."""


class TimeInForce(IntEnum):
    """Time in force (FIX tag 59)."""

    DAY = 0
    """Until the end of the trading day."""

    GOOD_TILL_CANCEL = 1
    """Until cancelled."""

    IMMEDIATE_OR_CANCEL = 3
    """What does not fill at once is cancelled."""

    FILL_OR_KILL = 4
    """All at once or nothing."""


class Capacity(IntEnum):
    """Order capacity (FIX tag 528)."""

    AGENCY = 1
    """For a customer."""

    PRINCIPAL = 2
    """For the firm's own account."""

    RISKLESS_PRINCIPAL = 3
    """Riskless principal."""


class ExecType(IntEnum):
    """What a venue reports (FIX tag 150, with the refusals of requests apart)."""

    NEW = 0
    """The venue has the order."""

    FILL = 1
    """A fill, partial or full."""

    REPLACED = 2
    """A replace is in force."""

    CANCELLED = 3
    """Cancelled, also unsolicited or an IOC remainder."""

    EXPIRED = 4
    """Expired."""

    REJECTED = 5
    """The venue refused the order."""

    CANCEL_REJECTED = 6
    """The venue refused a cancel."""

    REPLACE_REJECTED = 7
    """The venue refused a replace."""

    BUST = 8
    """An earlier fill is busted."""

    CORRECT = 9
    """An earlier fill is corrected."""


class CancelReason(IntEnum):
    """Why an order was cancelled or a report was made."""

    REQUESTED = 0
    """Asked for by the desk."""

    UNSOLICITED = 1
    """Cancelled by the venue on its own."""

    VENUE_REJECTED = 2
    """Refused by the venue."""

    EXPIRED = 3
    """Expired at the venue or at the end of the day."""

    KILL_SWITCH = 4
    """Kill switch."""

    MASS_CANCEL = 5
    """Mass cancel."""

    DISCONNECT = 6
    """Cancel on disconnect."""

    RECONCILED = 7
    """Ended by reconciliation."""

    UNKNOWN_AT_VENUE = 8
    """The venue does not know the order: it stays reserved, unresolved."""


class Liquidity(IntEnum):
    """Whether a fill added or removed liquidity (FIX tag 851)."""

    UNKNOWN = 0
    """Not known."""

    ADDED = 1
    """Added."""

    REMOVED = 2
    """Removed."""

    AUCTION = 3
    """Auction."""


class Role(IntEnum):
    """What a session may do."""

    DESK = 1
    """Trades for its accounts."""

    VENUE = 2
    """Reports for the orders routed to it."""

    RISK = 3
    """Limits, states, prices."""

    OPS = 4
    """Sessions, the day, reconciliation."""

    AUDIT = 5
    """Reads."""


class Topology(IntEnum):
    """How a desk's session stands in the flow of its orders."""

    INLINE = 1
    """Accepted orders are routed to the instrument's venue."""

    SIDECAR = 2
    """The desk gets the decision and trades at the venue itself."""


class CodMode(IntEnum):
    """When a session's loss cancels its orders."""

    OFF = 0
    """Never."""

    DISCONNECT = 1
    """When the connection breaks."""

    TERMINATE = 2
    """When the session terminates in order."""

    BOTH = 3
    """In both cases."""


class Scope(IntEnum):
    """Where in the tree a limit or a state stands."""

    ACCOUNT = 1
    """An account."""

    DESK = 2
    """A desk."""

    FIRM = 3
    """The firm."""

    TRADER = 4
    """A trader: the person or algorithm behind an order."""

    INSTRUMENT = 5
    """An instrument (trading states only)."""


class Selector(IntEnum):
    """What a limit applies to within its scope."""

    INSTRUMENT = 1
    """One instrument."""

    GROUP = 2
    """One product group."""

    ALL = 3
    """All instruments."""

    CURRENCY = 4
    """One currency (buying power)."""


class LimitKind(IntEnum):
    """The kind of a limit, numbered in the order of the checks' documentation."""

    MAX_ORDER_QTY = 1
    """C1: largest quantity of an order."""

    MAX_ORDER_NOTIONAL = 2
    """C2: largest value of an order."""

    PRICE_COLLAR = 3
    """C3: distance from the reference price."""

    REFERENCE_MAX_AGE = 4
    """C4: age of the reference price."""

    ORDER_RATE = 5
    """C5: orders and replaces in a window."""

    DUPLICATE_ORDER = 6
    """C6: equal orders in a window."""

    REPEATED_EXECUTION = 7
    """C7: fills in a window."""

    MAX_OPEN_ORDERS = 8
    """C8: live orders."""

    MAX_LONG = 9
    """C9: worst-case long position."""

    MAX_SHORT = 10
    """C9: worst-case short position."""

    GROSS_NOTIONAL = 11
    """C10: gross value."""

    NET_LONG = 12
    """C11: net long value."""

    NET_SHORT = 13
    """C11: net short value."""

    DAILY_BUY_TURNOVER = 14
    """C12: turnover of the day, buys."""

    DAILY_SELL_TURNOVER = 15
    """C12: turnover of the day, sells."""

    DAILY_TURNOVER = 16
    """C12: turnover of the day, both sides."""

    DAILY_LOSS = 17
    """C13: loss of the day."""

    MAX_ORDER_VS_ADV = 18
    """C14: share of the average daily volume."""

    MARKET_MAKER_PROTECTION = 19
    """C15: market-maker protection."""

    BUYING_POWER = 20
    """C16: buying power."""


class Unit(IntEnum):
    """The unit of a limit's value."""

    NATURAL = 0
    """As the kind says: quantities in 10⁻⁸, amounts in 10⁻⁴, counts."""

    BASIS_POINTS = 1
    """Basis points."""

    TICKS = 2
    """Ticks of the instrument."""

    QUANTITY = 3
    """Quantity in 10⁻⁸ units."""

    FILLS = 4
    """A count of fills."""

    HALT = 5
    """Daily loss, an amount: the scope is halted instead of reduce-only."""


class LimitMode(IntEnum):
    """Whether a limit refuses."""

    ENFORCED = 0
    """It refuses."""

    SHADOW = 1
    """It is evaluated and recorded, and never refuses."""


class TradingState(IntEnum):
    """Trading state of a scope or an instrument."""

    ACTIVE = 0
    """Everything is allowed."""

    REDUCE_ONLY = 1
    """Only orders that reduce the account's position."""

    HALTED = 2
    """No new orders and no replaces."""


class QueryWhat(IntEnum):
    """What a query asks for."""

    POSITIONS = 1
    """Positions with open quantity and reserved value."""

    LIMITS = 2
    """Limits with their use."""

    OPEN_ORDERS = 3
    """Live orders."""

    SESSIONS = 4
    """Sessions."""

    STATES = 5
    """Trading states."""

    ROOM = 6
    """What an account could still buy and sell."""

    PROPOSALS = 7
    """Proposals that wait for a second person."""


class OrderStatus(IntEnum):
    """Status of a live order."""

    PENDING_NEW = 0
    """Accepted, not yet acknowledged by the venue."""

    OPEN = 1
    """Acknowledged by the venue."""

    PENDING_CANCEL = 2
    """A cancel is under way."""

    PENDING_REPLACE = 3
    """A replace is under way."""

    UNRESOLVED = 4
    """What became of it is not known: reserved until fills or a reconciliation end it."""

    TERMINAL = 5
    """Nothing is live any more."""


class RiskEventKind(IntEnum):
    """What a risk event tells."""

    LIMIT_CHANGED = 1
    """A limit was changed."""

    WARNING = 2
    """Use of a limit crossed a warn level."""

    BREACH = 3
    """Use of a limit is above it."""

    STATE_CHANGED = 4
    """A trading state was changed."""

    SESSION_UP = 5
    """A session came up."""

    SESSION_DOWN = 6
    """A session went down."""

    LATE_FILL = 7
    """A fill after the order's end."""

    OVERFILL = 8
    """More was filled than the order had."""

    UNKNOWN_ORDER_FILL = 9
    """A fill whose order is not known."""

    UNKNOWN_INSTRUMENT_FILL = 10
    """A fill of an instrument that is not known."""

    EXECUTION_MISMATCH = 11
    """The same execution again with other numbers."""

    ORDER_UNRESOLVED = 12
    """An order became unresolved."""

    RECONCILED = 13
    """An order was reconciled by ops."""

    DAY = 14
    """The trading day opened or rolled."""

    RESTRICTED = 15
    """The engine is restricted after a restart that may have lost records, or released from it."""

    CAPACITY = 16
    """A value or table reached what it can hold."""

    TEMPORARY_ENDED = 17
    """A temporary limit has ended and the permanent one is back."""

    REPEATED_EXECUTION = 18
    """C7: too many fills in the window: the trader is halted."""

    DAILY_LOSS = 19
    """C13: the loss of the day reached its limit."""

    MARKET_MAKER_PROTECTION = 20
    """C15: market-maker protection has tripped or was reset."""

    BUSTED = 21
    """An execution was busted or corrected."""

    ADJUSTED = 22
    """A position was overridden or an instrument split."""

    PROPOSED = 23
    """A change that loosens a control was proposed."""

    APPROVED = 24
    """A proposal was approved and has taken effect."""

    WITHDRAWN = 25
    """A proposal was withdrawn, or the state it was based on has changed."""

    PROPOSAL_LAPSED = 26
    """A proposal has lapsed."""

    TWO_PERSON = 27
    """Two-person approval was switched on or off."""


class Severity(IntEnum):
    """How urgent a risk event is."""

    INFO = 0
    """For the record."""

    WARNING = 1
    """Someone should look."""

    CRITICAL = 2
    """Someone must act."""


class AdjustKind(IntEnum):
    """What an adjustment changes."""

    POSITION = 1
    """One account's position, by a delta."""

    SPLIT = 2
    """An instrument, by a split."""


class LocateWhat(IntEnum):
    """What is loaded for short sales."""

    SETTLED = 1
    """The settled position, which plain sells may use."""

    LOCATES = 2
    """The located quantity, which short sells use up."""


class ProposalKind(IntEnum):
    """What a proposal would change."""

    LIMIT = 1
    """A limit."""

    STATE = 2
    """A trading state."""

    MOVE = 3
    """The desk of an account."""

    SINGLE_PERSON = 4
    """Two-person approval: to be switched off."""


class ApprovalAction(IntEnum):
    """What a second person says to a proposal."""

    APPROVE = 1
    """It takes effect."""

    WITHDRAW = 2
    """It is off the table."""


class ReconcileWhat(IntEnum):
    """What a reconciliation confirms."""

    ORDER = 1
    """What is left of one order at the venue."""

    RESTART = 2
    """That orders and positions were compared with the venues after a lossy restart."""


class RejectCode(IntEnum):
    """Why something was refused; 0 on the wire where nothing was."""

    CREDENTIALS = 1
    """Key or signature is not the session's."""

    UNKNOWN_SESSION = 2
    """No such session."""

    ALREADY_LOGGED_ON = 3
    """The session is bound to a live connection."""

    WRONG_EPOCH = 4
    """The client's epoch is not the journal's: reconcile instead of resending."""

    SEQ_TOO_HIGH = 5
    """The outbound sequence number asked for has not been sent yet."""

    VERSION = 6
    """The schema version is not supported."""

    SESSION_BLOCKED = 7
    """The session is blocked."""

    KEEP_ALIVE_RANGE = 8
    """The heartbeat interval is out of range."""

    THROTTLED = 9
    """Too many messages, or too much output waiting."""

    ROLE_DENIED = 10
    """The session's role may not send this."""

    SEQ_TOO_LOW = 11
    """The outbound sequence number asked for is no longer retained."""

    DISCONNECTED = 12
    """The connection broke or fell silent."""

    SLOW_CONSUMER = 13
    """The connection does not take what it is sent; the outbound log replays it."""

    MALFORMED_FIELD = 50
    """A field is not as the schema says."""

    UNKNOWN_TEMPLATE = 51
    """No such template."""

    UNSUPPORTED_FLAG = 52
    """A flag is not supported on this message."""

    DUPLICATE_CL_ORD_ID = 100
    """The clOrdId is not above the session's mark."""

    UNKNOWN_ORDER = 101
    """No such order in this session."""

    UNKNOWN_INSTRUMENT = 102
    """No such instrument."""

    UNKNOWN_ACCOUNT = 103
    """No such account."""

    TOO_LATE = 104
    """The order has ended or can't be changed any more."""

    BAD_QTY = 105
    """The quantity is not positive or not a multiple of the lot or step."""

    BAD_PRICE = 106
    """The price is missing, not wanted or not a multiple of the tick."""

    BUSY = 107
    """The server has no room to decide and journal the message now."""

    VENUE_DOWN = 108
    """The instrument's venue is not connected."""

    NOT_READY = 109
    """The trading day is not open."""

    NOT_ENTITLED = 110
    """The session may not act for this account, trader or order."""

    UNSUPPORTED_ORDER_TYPE = 111
    """The order type is not supported."""

    NOT_PERMITTED = 112
    """C19: the account or desk may not trade this."""

    CAPACITY_EXCEEDED = 113
    """A table of the server is full."""

    HALTED = 200
    """The scope or instrument is halted."""

    ORDER_RATE = 201
    """C5: too many orders in the window."""

    DUPLICATE_ORDER = 202
    """C6: too many equal orders in the window."""

    REFERENCE_MISSING = 203
    """C4: the reference price (or the mark of a held instrument) is missing."""

    REFERENCE_STALE = 204
    """C4: the reference price is stale."""

    FX_MISSING = 205
    """The rate of a currency is missing."""

    FX_STALE = 206
    """The rate of a currency is stale."""

    PRICE_COLLAR = 207
    """C3: the price is too far from the reference."""

    MAX_ORDER_QTY = 208
    """C1: the quantity is above the limit."""

    VALUE_OVERFLOW = 209
    """The value of the order can't be represented."""

    MAX_ORDER_NOTIONAL = 210
    """C2: the value is above the limit."""

    MAX_ORDER_VS_ADV = 211
    """C14: the quantity is too large a share of the average daily volume."""

    MAX_OPEN_ORDERS = 212
    """C8: too many live orders."""

    SHORT_SALE = 213
    """C18: the short sale is not covered."""

    MAX_LONG = 214
    """C9: the worst-case long position is above the limit."""

    MAX_SHORT = 215
    """C9: the worst-case short position is above the limit."""

    REDUCE_ONLY = 216
    """Only orders that reduce the account's position are allowed."""

    RESTRICTED = 217
    """After a restart that may have lost records, only reducing orders are allowed."""

    GROSS_NOTIONAL = 218
    """C10: the gross value is above the limit."""

    NET_LONG = 219
    """C11: the net long value is above the limit."""

    NET_SHORT = 220
    """C11: the net short value is above the limit."""

    TURNOVER = 221
    """C12: the turnover of the day is above the limit."""

    BUYING_POWER = 222
    """C16: the buying power is exceeded."""

    SELF_MATCH = 223
    """C17: the order would match one of the same group."""

    MARKET_MAKER_PROTECTION = 224
    """C15: market-maker protection has tripped."""

    LIMIT_NOT_SET = 225
    """A limit that must be set is not set: unlimited must be said."""

    VERSION_CONFLICT = 300
    """The expected version is not the one in force."""

    LIMIT_RANGE = 301
    """A value is out of range or does not belong to what it names."""

    NOT_AUTHORISED = 302
    """The session may not do this."""

    NEEDS_APPROVAL = 303
    """The change loosens a control and needs a second person."""


REJECT_MEANINGS: Final[dict[int, str]] = {
    1: "Key or signature is not the session's.",
    2: "No such session.",
    3: "The session is bound to a live connection.",
    4: "The client's epoch is not the journal's: reconcile instead of resending.",
    5: "The outbound sequence number asked for has not been sent yet.",
    6: "The schema version is not supported.",
    7: "The session is blocked.",
    8: "The heartbeat interval is out of range.",
    9: "Too many messages, or too much output waiting.",
    10: "The session's role may not send this.",
    11: "The outbound sequence number asked for is no longer retained.",
    12: "The connection broke or fell silent.",
    13: "The connection does not take what it is sent; the outbound log replays it.",
    50: "A field is not as the schema says.",
    51: "No such template.",
    52: "A flag is not supported on this message.",
    100: "The clOrdId is not above the session's mark.",
    101: "No such order in this session.",
    102: "No such instrument.",
    103: "No such account.",
    104: "The order has ended or can't be changed any more.",
    105: "The quantity is not positive or not a multiple of the lot or step.",
    106: "The price is missing, not wanted or not a multiple of the tick.",
    107: "The server has no room to decide and journal the message now.",
    108: "The instrument's venue is not connected.",
    109: "The trading day is not open.",
    110: "The session may not act for this account, trader or order.",
    111: "The order type is not supported.",
    112: "C19: the account or desk may not trade this.",
    113: "A table of the server is full.",
    200: "The scope or instrument is halted.",
    201: "C5: too many orders in the window.",
    202: "C6: too many equal orders in the window.",
    203: "C4: the reference price (or the mark of a held instrument) is missing.",
    204: "C4: the reference price is stale.",
    205: "The rate of a currency is missing.",
    206: "The rate of a currency is stale.",
    207: "C3: the price is too far from the reference.",
    208: "C1: the quantity is above the limit.",
    209: "The value of the order can't be represented.",
    210: "C2: the value is above the limit.",
    211: "C14: the quantity is too large a share of the average daily volume.",
    212: "C8: too many live orders.",
    213: "C18: the short sale is not covered.",
    214: "C9: the worst-case long position is above the limit.",
    215: "C9: the worst-case short position is above the limit.",
    216: "Only orders that reduce the account's position are allowed.",
    217: "After a restart that may have lost records, only reducing orders are allowed.",
    218: "C10: the gross value is above the limit.",
    219: "C11: the net long value is above the limit.",
    220: "C11: the net short value is above the limit.",
    221: "C12: the turnover of the day is above the limit.",
    222: "C16: the buying power is exceeded.",
    223: "C17: the order would match one of the same group.",
    224: "C15: market-maker protection has tripped.",
    225: "A limit that must be set is not set: unlimited must be said.",
    300: "The expected version is not the one in force.",
    301: "A value is out of range or does not belong to what it names.",
    302: "The session may not do this.",
    303: "The change loosens a control and needs a second person.",
}
"""What each code means, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(SessionMessage):
    """First message of the server on every connection."""

    TEMPLATE_ID: ClassVar[int] = 1
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("min_version", 0, False, "H"),
        Integer("max_version", 2, False, "H"),
        Integer("server_time", 4, False, "Q"),
        Integer("epoch", 12, False, "Q"),
        Chars("challenge", 20, False, 32),
        Chars("instance", 52, False, 16),
    )

    min_version: int = 0
    """Oldest schema version the server understands."""

    max_version: int = 0
    """Newest schema version the server understands."""

    server_time: int = 0
    """Clock of the server."""

    epoch: int = 0
    """Epoch of the journal: see the protocol guide."""

    challenge: str = ""
    """Random text of this connection, to be signed."""

    instance: str = ""
    """Name of the server's instance, to be pinned by clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logon(SessionMessage):
    """Says and proves who speaks."""

    TEMPLATE_ID: ClassVar[int] = 2
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("session_id", 0, False, "I"),
        Integer("epoch", 4, False, "Q"),
        Integer("next_expected_seq_no", 12, False, "Q"),
        Integer("keep_alive_ms", 20, False, "I"),
        Integer("cod_grace_ms", 24, False, "H"),
        Enumerated("cod_mode", 26, False, CodMode),
        Enumerated("role", 27, False, Role),
        Chars("app_name", 28, False, 16),
        Chars("app_version", 44, False, 8),
        Integer("key_id", 52, False, "I"),
        Integer("flags", 56, False, "I"),
        Chars("signature", 60, False, 128),
    )

    session_id: int = 0
    """The logical session."""

    epoch: int = 0
    """Epoch the client's sequence numbers belong to; 0 where it has none yet."""

    next_expected_seq_no: int = 0
    """First outbound sequence number wanted again; 0 for live only."""

    keep_alive_ms: int = 0
    """Wanted interval of heartbeats in milliseconds."""

    cod_grace_ms: int = 0
    """Grace before cancel on disconnect, in milliseconds."""

    cod_mode: CodMode
    """Cancel on disconnect."""

    role: Role
    """Role of the session."""

    app_name: str = ""
    """Name of the client program."""

    app_version: str = ""
    """Version of the client program."""

    key_id: int = 0
    """Which of the session's keys signs."""

    flags: int = 0
    """No flag is defined yet: 0."""

    signature: str = ""
    """Ed25519 signature as 128 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogonAck(SessionMessage):
    """The session is live, or is after the replay that was asked for."""

    TEMPLATE_ID: ClassVar[int] = 3
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("session_id", 0, False, "I"),
        Integer("epoch", 4, False, "Q"),
        Integer("next_seq_no", 12, False, "Q"),
        Integer("last_applied_seq_no", 20, False, "Q"),
        Integer("server_time", 28, False, "Q"),
        Integer("keep_alive_ms", 36, False, "I"),
        Integer("max_msg_per_sec", 40, False, "I"),
        Integer("replay_count", 44, False, "Q"),
    )

    session_id: int = 0
    """The logical session."""

    epoch: int = 0
    """Epoch of the journal."""

    next_seq_no: int = 0
    """Sequence number of the next new outbound message."""

    last_applied_seq_no: int = 0
    """Highest inbound sequence number in the durable journal: resend what lies above."""

    server_time: int = 0
    """Clock of the server."""

    keep_alive_ms: int = 0
    """Interval of heartbeats in milliseconds."""

    max_msg_per_sec: int = 0
    """Inbound messages a second; 0 for no throttle."""

    replay_count: int = 0
    """Number of messages replayed before ReplayComplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogonReject(SessionMessage):
    """The logon is refused; the server closes the connection."""

    TEMPLATE_ID: ClassVar[int] = 4
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("session_id", 0, False, "I"),
        Integer("epoch", 4, False, "Q"),
        Integer("next_seq_no", 12, False, "Q"),
        Integer("code", 20, False, "H"),
        Pad(2),
        Integer("retry_after_ms", 24, False, "I"),
    )

    session_id: int = 0
    """The logical session."""

    epoch: int = 0
    """Epoch of the journal."""

    next_seq_no: int = 0
    """First retained (SeqTooLow) or next (SeqTooHigh) outbound sequence number."""

    code: int = 0
    """Reject code."""

    retry_after_ms: int = 0
    """How long to wait before trying again, in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(SessionMessage):
    """Keeps the session alive and restates both watermarks."""

    TEMPLATE_ID: ClassVar[int] = 5
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("next_seq_no", 4, False, "Q"),
        Integer("last_applied_seq_no", 12, False, "Q"),
        Integer("send_time", 20, False, "Q"),
        Integer("echo_time", 28, False, "Q"),
    )

    flags: int = 0
    """4: answer this heartbeat."""

    next_seq_no: int = 0
    """Sequence number of the sender's next message."""

    last_applied_seq_no: int = 0
    """Highest inbound sequence number applied (server: durably)."""

    send_time: int = 0
    """Clock of the sender."""

    echo_time: int = 0
    """sendTime of the last heartbeat received; 0 for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayComplete(SessionMessage):
    """The replay asked for at logon is over; what follows is live."""

    TEMPLATE_ID: ClassVar[int] = 6
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("next_seq_no", 4, False, "Q"),
    )

    flags: int = 0
    """Zero."""

    next_seq_no: int = 0
    """Sequence number of the next live message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminate(SessionMessage):
    """The sender closes the connection."""

    TEMPLATE_ID: ClassVar[int] = 7
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("code", 0, False, "H"),
        Pad(2),
        Integer("last_applied_seq_no", 4, False, "Q"),
        Integer("next_seq_no", 12, False, "Q"),
    )

    code: int = 0
    """Reject code; 0 for an orderly end."""

    last_applied_seq_no: int = 0
    """Highest inbound sequence number applied."""

    next_seq_no: int = 0
    """Sequence number of the sender's next message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder(Request):
    """A new order."""

    TEMPLATE_ID: ClassVar[int] = 100
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("cl_ord_id", 12, False, "Q"),
        Scaled("price", 20, True, 8),
        Scaled("qty", 28, False, 8),
        Integer("account", 36, False, "I"),
        Integer("instrument_id", 40, False, "I"),
        Integer("trader_id", 44, False, "H"),
        Integer("strategy_id", 46, False, "H"),
        Enumerated("side", 48, False, Side),
        Enumerated("ord_type", 49, False, OrdType),
        Enumerated("tif", 50, False, TimeInForce),
        Enumerated("capacity", 51, False, Capacity),
    )

    flags: int = 0
    """1 possDup, 2 whatIf."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    cl_ord_id: int = 0
    """Client's id of this message; strictly increasing for the life of the session."""

    price: Decimal | None = None
    """Limit price; null for market orders."""

    qty: Decimal
    """Total order quantity."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    trader_id: int = 0
    """Person or algorithm behind the order."""

    strategy_id: int = 0
    """Free for the desk's use."""

    side: Side
    """Side."""

    ord_type: OrdType
    """Order type."""

    tif: TimeInForce
    """Time in force."""

    capacity: Capacity
    """Order capacity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder(Request):
    """Changes price or total quantity of a live order."""

    TEMPLATE_ID: ClassVar[int] = 101
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("cl_ord_id", 12, False, "Q"),
        Integer("orig_cl_ord_id", 20, False, "Q"),
        Scaled("price", 28, True, 8),
        Scaled("qty", 36, False, 8),
        Integer("trader_id", 44, False, "H"),
        Integer("strategy_id", 46, False, "H"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup, 2 whatIf."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    cl_ord_id: int = 0
    """Client's id of this message; strictly increasing for the life of the session."""

    orig_cl_ord_id: int = 0
    """Id of the newest version of the order that was not rejected."""

    price: Decimal | None = None
    """Limit price; null for market orders."""

    qty: Decimal
    """Total order quantity."""

    trader_id: int = 0
    """Person or algorithm behind the order."""

    strategy_id: int = 0
    """Free for the desk's use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Request):
    """Asks for the cancel of a live order."""

    TEMPLATE_ID: ClassVar[int] = 102
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("cl_ord_id", 12, False, "Q"),
        Integer("orig_cl_ord_id", 20, False, "Q"),
        Integer("trader_id", 28, False, "H"),
        Integer("strategy_id", 30, False, "H"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    cl_ord_id: int = 0
    """Client's id of this message; strictly increasing for the life of the session."""

    orig_cl_ord_id: int = 0
    """Id the order had: any id of its chain."""

    trader_id: int = 0
    """Person or algorithm behind the order."""

    strategy_id: int = 0
    """Free for the desk's use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassCancel(Request):
    """Asks for the cancel of all live orders that match every field given, over the sender's accounts."""

    TEMPLATE_ID: ClassVar[int] = 103
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("cl_ord_id", 12, False, "Q"),
        Enumerated("scope", 20, True, Scope),
        Enumerated("side", 21, True, Side),
        Integer("trader_id", 22, True, "H"),
        Integer("account", 24, True, "I"),
        Integer("instrument_id", 28, True, "I"),
        Integer("strategy_id", 32, True, "H"),
        Pad(2),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    cl_ord_id: int = 0
    """Client's id of this message; strictly increasing for the life of the session."""

    scope: Scope | None = None
    """Reserved for wider scopes; null."""

    side: Side | None = None
    """Only this side."""

    trader_id: int | None = None
    """Only this trader."""

    account: int | None = None
    """Only this account."""

    instrument_id: int | None = None
    """Only this instrument."""

    strategy_id: int | None = None
    """Only this strategy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueReport(Request):
    """An execution report: from the venue, or from a sidecar desk about its own orders."""

    TEMPLATE_ID: ClassVar[int] = 104
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("order_id", 12, False, "Q"),
        Integer("cl_ord_id", 20, False, "Q"),
        Integer("venue_exec_id", 28, False, "Q"),
        Integer("ref_exec_id", 36, False, "Q"),
        Scaled("last_px", 44, True, 8),
        Scaled("last_qty", 52, False, 8),
        Scaled("cum_qty", 60, True, 8),
        Scaled("leaves_qty", 68, True, 8),
        Integer("transact_time", 76, False, "Q"),
        Integer("trade_date", 84, False, "I"),
        Integer("account", 88, False, "I"),
        Integer("instrument_id", 92, False, "I"),
        Integer("order_session_id", 96, False, "I"),
        Integer("venue_id", 100, False, "H"),
        Enumerated("exec_type", 102, False, ExecType),
        Enumerated("side", 103, False, Side),
        Enumerated("liquidity", 104, False, Liquidity),
        Enumerated("reopen", 105, False, Flag),
        Enumerated("reason", 106, False, CancelReason),
        Pad(1),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    order_id: int = 0
    """orderId of the order, where known; else 0."""

    cl_ord_id: int = 0
    """Any id of the order's chain; Replaced and ReplaceRejected name the replace. 0 where not known, or where orderId names the order."""

    venue_exec_id: int = 0
    """Execution id, unique within venue, trade date, instrument and side."""

    ref_exec_id: int = 0
    """Execution that a bust or correct names; else 0."""

    last_px: Decimal | None = None
    """Price of the fill."""

    last_qty: Decimal
    """Quantity of the fill."""

    cum_qty: Decimal | None = None
    """Filled in all, as the venue sees it."""

    leaves_qty: Decimal | None = None
    """Still open, as the venue sees it."""

    transact_time: int = 0
    """Clock of the venue."""

    trade_date: int = 0
    """Trade date as YYYYMMDD; what is no date counts as today's."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    order_session_id: int = 0
    """Session that sent the order; 0 for the reporting session itself."""

    venue_id: int = 0
    """Venue."""

    exec_type: ExecType
    """What is reported."""

    side: Side
    """Side of the order."""

    liquidity: Liquidity
    """Whether liquidity was added or removed."""

    reopen: Flag
    """Bust and correct: whether the venue reopened the quantity."""

    reason: CancelReason
    """Cancelled: why. UnknownAtVenue makes the order unresolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit(Request):
    """Sets, changes or removes one limit; it binds from the next order in the sequence."""

    TEMPLATE_ID: ClassVar[int] = 120
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("value", 20, True, "q"),
        Integer("window_ns", 28, False, "Q"),
        Integer("expires_at", 36, False, "Q"),
        Integer("expected_version", 44, False, "I"),
        Integer("scope_id", 48, False, "I"),
        Integer("selector_id", 52, False, "I"),
        Enumerated("scope", 56, False, Scope),
        Enumerated("limit_kind", 57, False, LimitKind),
        Enumerated("selector", 58, False, Selector),
        Enumerated("unit", 59, False, Unit),
        Enumerated("mode", 60, False, LimitMode),
        Integer("warn1", 61, False, "B"),
        Integer("warn2", 62, False, "B"),
        Integer("warn3", 63, False, "B"),
        Chars("reason", 64, False, 32),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    value: int | None = None
    """New value: quantities in 1e-8, amounts in 1e-4, counts, nanoseconds, basis points or ticks as the kind says; i64::MAX is unlimited; null removes the limit."""

    window_ns: int = 0
    """Length of the window of a rate."""

    expires_at: int = 0
    """End of a temporary limit; 0 for a permanent one."""

    expected_version: int = 0
    """Version that the change is based on; 0 where there is none yet."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    selector_id: int = 0
    """Instrument or product group; 0 for all."""

    scope: Scope
    """Where the limit stands."""

    limit_kind: LimitKind
    """What it limits."""

    selector: Selector
    """What it applies to."""

    unit: Unit
    """Unit of the value."""

    mode: LimitMode
    """Whether it refuses."""

    warn1: int = 0
    """First warn level in per cent; 0 for the default."""

    warn2: int = 0
    """Second warn level in per cent; 0 for the default."""

    warn3: int = 0
    """Third warn level in per cent; 0 for the default."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetState(Request):
    """Sets the trading state of a scope or an instrument: kill switch, reduce only, release."""

    TEMPLATE_ID: ClassVar[int] = 121
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("expected_version", 20, False, "I"),
        Integer("scope_id", 24, False, "I"),
        Enumerated("scope", 28, False, Scope),
        Enumerated("state", 29, False, TradingState),
        Enumerated("cancel_open", 30, False, Flag),
        Pad(1),
        Chars("reason", 32, False, 32),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    expected_version: int = 0
    """Version that the change is based on; 0 where there is none yet."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    scope: Scope
    """Where the state stands."""

    state: TradingState
    """New state."""

    cancel_open: Flag
    """Whether to ask for the cancel of every live order in scope."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Request):
    """Asks for a page of reports about the durable state; AdminAck ends the page."""

    TEMPLATE_ID: ClassVar[int] = 122
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("min_engine_seq", 20, False, "Q"),
        Integer("cursor", 28, False, "Q"),
        Integer("scope_id", 36, True, "I"),
        Integer("instrument_id", 40, True, "I"),
        Enumerated("what", 44, False, QueryWhat),
        Enumerated("scope", 45, True, Scope),
        Integer("max_rows", 46, False, "H"),
        Integer("trader_id", 48, True, "H"),
        Pad(2),
        Scaled("price", 52, True, 8),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    min_engine_seq: int = 0
    """Answer only when at least this sequence is durable."""

    cursor: int = 0
    """0, or the cursor of the AdminAck that ended the page before."""

    scope_id: int | None = None
    """Only the scope of this id; Room: the account."""

    instrument_id: int | None = None
    """Only this instrument; of limits those that apply to it."""

    what: QueryWhat
    """What is asked for."""

    scope: Scope | None = None
    """Only this kind of scope; of open orders those of the scope."""

    max_rows: int = 0
    """Rows of a page; 0 for the server's choice."""

    trader_id: int | None = None
    """Room: only for this trader; else null."""

    price: Decimal | None = None
    """Room: limit price of the order in mind; null for the reference price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetReference(Request):
    """Sets the reference price that serves the collar and market orders."""

    TEMPLATE_ID: ClassVar[int] = 123
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("price", 20, True, 8),
        Integer("feed_time", 28, False, "Q"),
        Integer("instrument_id", 36, False, "I"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    price: Decimal | None = None
    """Reference price; null removes it."""

    feed_time: int = 0
    """Time of the feed."""

    instrument_id: int = 0
    """Instrument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMark(Request):
    """Sets the price that values filled positions."""

    TEMPLATE_ID: ClassVar[int] = 124
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("price", 20, True, 8),
        Integer("instrument_id", 28, False, "I"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    price: Decimal | None = None
    """Mark; null removes it."""

    instrument_id: int = 0
    """Instrument."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFx(Request):
    """Sets the rate of a currency: base currency for one unit of it."""

    TEMPLATE_ID: ClassVar[int] = 125
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("rate", 20, True, 8),
        Integer("rate_time", 28, False, "Q"),
        Integer("max_age_ns", 36, True, "Q"),
        Chars("currency", 44, False, 4),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    rate: Decimal | None = None
    """Rate; null removes it."""

    rate_time: int = 0
    """Time of the rate."""

    max_age_ns: int | None = None
    """Age above which the rate is stale; null keeps the age in force."""

    currency: str = ""
    """ISO 4217 code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineInstrument(Request):
    """Defines or changes an instrument: qtyStep, multiplier, currency, group and venue only before anybody held or ordered it."""

    TEMPLATE_ID: ClassVar[int] = 126
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("tick", 20, False, 8),
        Scaled("lot", 28, False, 8),
        Scaled("qty_step", 36, False, 8),
        Scaled("multiplier", 44, False, 8),
        Scaled("average_daily_volume", 52, True, 8),
        Integer("instrument_id", 60, False, "I"),
        Integer("product_group", 64, False, "I"),
        Chars("currency", 68, False, 4),
        Integer("venue_id", 72, False, "H"),
        Pad(2),
        Enumerated("odd_lot_sell", 76, False, Flag),
        Enumerated("short_sale_check", 77, False, Flag),
        Integer("ord_types", 78, False, "B"),
        Pad(1),
        Chars("symbol", 80, False, 20),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    tick: Decimal
    """Smallest step of an order's price."""

    lot: Decimal
    """Smallest step of an order's quantity."""

    qty_step: Decimal
    """Smallest quantity that can trade; divides the lot."""

    multiplier: Decimal
    """Contract multiplier."""

    average_daily_volume: Decimal | None = None
    """Average daily volume, where loaded."""

    instrument_id: int = 0
    """Instrument."""

    product_group: int = 0
    """Product group."""

    currency: str = ""
    """Currency of its prices."""

    venue_id: int = 0
    """Venue."""

    odd_lot_sell: Flag
    """Whether sells may be odd lots."""

    short_sale_check: Flag
    """Whether short sales are checked."""

    ord_types: int = 0
    """Order types allowed: 1 market, 2 limit, 3 both."""

    symbol: str = ""
    """Symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefineAccount(Request):
    """Defines an account or moves it to another desk."""

    TEMPLATE_ID: ClassVar[int] = 127
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("account", 20, False, "I"),
        Integer("desk_id", 24, False, "I"),
        Integer("self_match_group", 28, False, "I"),
        Enumerated("self_match_off", 32, False, Flag),
        Enumerated("suspense", 33, False, Flag),
        Pad(2),
        Chars("name", 36, False, 24),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    account: int = 0
    """Account."""

    desk_id: int = 0
    """Desk it belongs to."""

    self_match_group: int = 0
    """Self-match group; 0 for the account alone."""

    self_match_off: Flag
    """Whether the self-match check is off."""

    suspense: Flag
    """Whether this is the firm's suspense account."""

    name: str = ""
    """Name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit(Request):
    """Allows or forbids a scope to trade an instrument, a group or an order type."""

    TEMPLATE_ID: ClassVar[int] = 128
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("scope_id", 20, False, "I"),
        Integer("selector_id", 24, False, "I"),
        Enumerated("scope", 28, False, Scope),
        Enumerated("selector", 29, False, Selector),
        Enumerated("ord_type", 30, True, OrdType),
        Enumerated("allow", 31, False, Flag),
        Chars("reason", 32, False, 32),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    selector_id: int = 0
    """Instrument or product group; 0 for all."""

    scope: Scope
    """Account or desk."""

    selector: Selector
    """What it applies to."""

    ord_type: OrdType | None = None
    """Only this order type."""

    allow: Flag
    """Allowed or forbidden."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionLoad(Request):
    """One row of an absolute load of positions; the last row completes the batch."""

    TEMPLATE_ID: ClassVar[int] = 129
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("batch_id", 20, False, "Q"),
        Scaled("qty", 28, True, 8),
        Integer("business_date", 36, False, "I"),
        Integer("account", 40, False, "I"),
        Integer("instrument_id", 44, False, "I"),
        Enumerated("last", 48, False, Flag),
        Pad(1),
        Pad(2),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    batch_id: int = 0
    """Id of the batch."""

    qty: Decimal | None = None
    """Signed position at the start of the day; null in a last row that carries no position."""

    business_date: int = 0
    """Business date as YYYYMMDD."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    last: Flag
    """Whether the batch is complete with this row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOpen(Request):
    """Opens trading for a business date."""

    TEMPLATE_ID: ClassVar[int] = 130
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("business_date", 20, False, "I"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    business_date: int = 0
    """Business date as YYYYMMDD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRoll(Request):
    """Ends the day and names the next one."""

    TEMPLATE_ID: ClassVar[int] = 131
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("business_date", 20, False, "I"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    business_date: int = 0
    """The new business date as YYYYMMDD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconcile(Request):
    """Confirms what is left of an unresolved order, or the reconciliation after a lossy restart."""

    TEMPLATE_ID: ClassVar[int] = 132
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("order_id", 20, False, "Q"),
        Scaled("leaves_qty", 28, False, 8),
        Enumerated("what", 36, False, ReconcileWhat),
        Pad(1),
        Pad(2),
        Pad(4),
        Chars("reason", 44, False, 32),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    order_id: int = 0
    """Order; 0 for a restart."""

    leaves_qty: Decimal
    """What is live at the venue, at most what is reserved."""

    what: ReconcileWhat
    """What is confirmed."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjust(Request):
    """Overrides a position by a delta, or splits an instrument."""

    TEMPLATE_ID: ClassVar[int] = 133
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("adjust_id", 20, False, "Q"),
        Scaled("qty", 28, True, 8),
        Integer("numerator", 36, False, "I"),
        Integer("denominator", 40, False, "I"),
        Integer("account", 44, True, "I"),
        Integer("instrument_id", 48, False, "I"),
        Enumerated("kind", 52, False, AdjustKind),
        Pad(1),
        Pad(2),
        Pad(4),
        Chars("approver", 60, False, 16),
        Chars("reason", 76, False, 32),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    adjust_id: int = 0
    """Id of the adjustment: the same id again has no effect."""

    qty: Decimal | None = None
    """Position: signed change; null for a split."""

    numerator: int = 0
    """Split: new units for each `denominator` old ones; else 0."""

    denominator: int = 0
    """Split: old units; else 0."""

    account: int | None = None
    """Position: account; null for a split."""

    instrument_id: int = 0
    """Instrument."""

    kind: AdjustKind
    """What is adjusted."""

    approver: str = ""
    """Who approved it."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateLoad(Request):
    """Loads a settled position or located quantity for short sales; absolute for its date."""

    TEMPLATE_ID: ClassVar[int] = 134
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("qty", 20, False, 8),
        Integer("account", 28, False, "I"),
        Integer("instrument_id", 32, False, "I"),
        Integer("business_date", 36, False, "I"),
        Enumerated("what", 40, False, LocateWhat),
        Pad(1),
        Pad(2),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    qty: Decimal
    """Settled position, or located quantity."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    business_date: int = 0
    """Business date as YYYYMMDD."""

    what: LocateWhat
    """What is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CashLoad(Request):
    """Loads the cash of an account in one currency; absolute."""

    TEMPLATE_ID: ClassVar[int] = 135
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Scaled("amount", 20, False, 4),
        Integer("account", 28, False, "I"),
        Chars("currency", 32, False, 4),
        Integer("business_date", 36, False, "I"),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    amount: Decimal
    """Cash in 1e-4 of `currency` (not of the base currency)."""

    account: int = 0
    """Account."""

    currency: str = ""
    """ISO 4217 code."""

    business_date: int = 0
    """Business date as YYYYMMDD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Propose(Request):
    """Proposes a change that loosens a control: another person has to approve it. AdminAck's newVersion is the number of the proposal."""

    TEMPLATE_ID: ClassVar[int] = 136
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("value", 20, True, "q"),
        Integer("window_ns", 28, False, "Q"),
        Integer("limit_expires_at", 36, False, "Q"),
        Integer("expires_at", 44, False, "Q"),
        Integer("expected_version", 52, False, "I"),
        Integer("scope_id", 56, False, "I"),
        Integer("selector_id", 60, False, "I"),
        Integer("desk_id", 64, False, "I"),
        Enumerated("what", 68, False, ProposalKind),
        Enumerated("scope", 69, True, Scope),
        Enumerated("limit_kind", 70, True, LimitKind),
        Enumerated("selector", 71, True, Selector),
        Enumerated("unit", 72, True, Unit),
        Enumerated("mode", 73, True, LimitMode),
        Enumerated("state", 74, True, TradingState),
        Integer("warn1", 75, False, "B"),
        Integer("warn2", 76, False, "B"),
        Integer("warn3", 77, False, "B"),
        Pad(2),
        Chars("reason", 80, False, 32),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    value: int | None = None
    """Limit: as in SetLimit; null removes the limit."""

    window_ns: int = 0
    """Limit: length of the window of a rate; else 0."""

    limit_expires_at: int = 0
    """Limit: end of a temporary limit; else 0."""

    expires_at: int = 0
    """When the proposal lapses; 0 for eight hours from now, at most seven days from now."""

    expected_version: int = 0
    """Limit, state: version that the change is based on; 0 where there is none yet."""

    scope_id: int = 0
    """Limit, state: id within the scope; 0 for the firm. Move: the account."""

    selector_id: int = 0
    """Limit: instrument or product group; 0 for all."""

    desk_id: int = 0
    """Move: the desk that the account is to belong to; else 0."""

    what: ProposalKind
    """What is to change."""

    scope: Scope | None = None
    """Limit, state: where it stands. Move: the account's scope."""

    limit_kind: LimitKind | None = None
    """Limit: what it limits; else null."""

    selector: Selector | None = None
    """Limit: what it applies to; else null."""

    unit: Unit | None = None
    """Limit: unit of the value; else null."""

    mode: LimitMode | None = None
    """Limit: whether it refuses; else null."""

    state: TradingState | None = None
    """State: new state; else null."""

    warn1: int = 0
    """Limit: first warn level in per cent; 0 for the default."""

    warn2: int = 0
    """Limit: second warn level in per cent; 0 for the default."""

    warn3: int = 0
    """Limit: third warn level in per cent; 0 for the default."""

    reason: str = ""
    """Why, for the journal; must be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve(Request):
    """Approves a proposal, as another person than the one who made it, or withdraws one."""

    TEMPLATE_ID: ClassVar[int] = 137
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("proposal_id", 20, False, "I"),
        Enumerated("action", 24, False, ApprovalAction),
        Pad(1),
        Pad(2),
        Chars("reason", 28, False, 32),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    proposal_id: int = 0
    """Number of the proposal."""

    action: ApprovalAction
    """Approve or withdraw."""

    reason: str = ""
    """Why, for the journal; must be said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MmpReset(Request):
    """Resets market-maker protection of an account in a product group; sent by its desk."""

    TEMPLATE_ID: ClassVar[int] = 138
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("account", 20, False, "I"),
        Integer("product_group", 24, False, "I"),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    account: int = 0
    """Account."""

    product_group: int = 0
    """Product group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceTime(Request):
    """Moves the clock of a server that runs with a commanded clock; refused by every other."""

    TEMPLATE_ID: ClassVar[int] = 139
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Integer("time", 20, False, "Q"),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    time: int = 0
    """Time from here on; one that has passed changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTwoPerson(Request):
    """Says whether loosening takes two people. One may switch it on; switching it off is proposed and approved."""

    TEMPLATE_ID: ClassVar[int] = 140
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("request_id", 12, False, "Q"),
        Enumerated("on", 20, False, Flag),
        Pad(1),
        Pad(2),
        Chars("reason", 24, False, 32),
        Pad(4),
    )

    flags: int = 0
    """1 possDup."""

    seq_no: int = 0
    """Sequence number of the client's messages in this session, from 1."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    on: Flag
    """Whether loosening takes two people from here on."""

    reason: str = ""
    """Why, for the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAccepted(Reply):
    """The order, replace or cancel request has passed and is reserved or pending."""

    TEMPLATE_ID: ClassVar[int] = 200
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("order_id", 36, False, "Q"),
        Integer("decision_nanos", 44, True, "I"),
        Integer("util_bps", 48, True, "H"),
        Enumerated("util_limit_kind", 50, True, LimitKind),
        Enumerated("util_scope", 51, True, Scope),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the accepted message."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    decision_nanos: int | None = None
    """Time from receipt to decision; null when replayed."""

    util_bps: int | None = None
    """Tightest use of a limit of C8 to C12 after this order, in basis points, at most 65534; 0 without one, and null for a cancel."""

    util_limit_kind: LimitKind | None = None
    """Its kind."""

    util_scope: Scope | None = None
    """Its scope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRejected(Reply):
    """The order, replace or cancel request is refused."""

    TEMPLATE_ID: ClassVar[int] = 201
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("limit_value", 36, True, "q"),
        Integer("observed_value", 44, True, "q"),
        Integer("code", 52, False, "H"),
        Integer("ref_template_id", 54, False, "B"),
        Enumerated("limit_scope", 55, True, Scope),
        Integer("scope_id", 56, True, "I"),
        Integer("limit_version", 60, True, "I"),
        Enumerated("limit_kind", 64, True, LimitKind),
        Pad(1),
        Pad(2),
        Integer("order_id", 68, False, "Q"),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the refused message; of a cancel that the venue refused the id that it named, else the order's newest."""

    limit_value: int | None = None
    """Value of the limit, in the unit of its kind."""

    observed_value: int | None = None
    """Value that would have been reached, in the same unit."""

    code: int = 0
    """Reject code."""

    ref_template_id: int = 0
    """Template of the refused message."""

    limit_scope: Scope | None = None
    """Scope of the limit."""

    scope_id: int | None = None
    """Id within the scope."""

    limit_version: int | None = None
    """Version of the limit."""

    limit_kind: LimitKind | None = None
    """Kind of the limit."""

    order_id: int = 0
    """Order whose cancel or replace the venue refused; else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReplaced(Reply):
    """A replace is in force at the venue."""

    TEMPLATE_ID: ClassVar[int] = 202
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("orig_cl_ord_id", 36, False, "Q"),
        Integer("order_id", 44, False, "Q"),
        Scaled("leaves_qty", 52, False, 8),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the version in force."""

    orig_cl_ord_id: int = 0
    """Id of the version that it replaces."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    leaves_qty: Decimal
    """Still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(Reply):
    """An order has ended at the venue, or by the day, or by hand."""

    TEMPLATE_ID: ClassVar[int] = 203
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("orig_cl_ord_id", 36, False, "Q"),
        Integer("order_id", 44, False, "Q"),
        Scaled("cancelled_qty", 52, False, 8),
        Enumerated("reason", 60, False, CancelReason),
        Pad(1),
        Pad(2),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the newest version."""

    orig_cl_ord_id: int = 0
    """Id of the order at its acceptance."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    cancelled_qty: Decimal
    """What was open of the version in force and will not be filled any more."""

    reason: CancelReason
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilled(Reply):
    """A fill is booked, taken back, or corrected."""

    TEMPLATE_ID: ClassVar[int] = 204
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("order_id", 36, False, "Q"),
        Integer("exec_id", 44, False, "Q"),
        Scaled("last_px", 52, False, 8),
        Scaled("last_qty", 60, False, 8),
        Scaled("leaves_qty", 68, False, 8),
        Scaled("cum_qty", 76, False, 8),
        Scaled("net_position", 84, False, 8),
        Integer("account", 92, False, "I"),
        Integer("instrument_id", 96, False, "I"),
        Enumerated("exec_type", 100, False, ExecType),
        Enumerated("side", 101, False, Side),
        Enumerated("liquidity", 102, False, Liquidity),
        Pad(1),
        Integer("venue_id", 104, False, "H"),
        Pad(2),
        Integer("new_exec_id", 108, False, "Q"),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the version in force; 0 for an unknown order."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    exec_id: int = 0
    """Execution id of the venue: of the fill, or of the execution that is taken back or corrected."""

    last_px: Decimal
    """Price."""

    last_qty: Decimal
    """Quantity."""

    leaves_qty: Decimal
    """Still open."""

    cum_qty: Decimal
    """Filled in all."""

    net_position: Decimal
    """Account's position after it, saturating."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    exec_type: ExecType
    """Fill, Bust or Correct."""

    side: Side
    """Side."""

    liquidity: Liquidity
    """Whether liquidity was added or removed."""

    venue_id: int = 0
    """Venue."""

    new_exec_id: int = 0
    """Of a correction: the id that the execution is known by from now on; else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MassCancelReport(Reply):
    """Progress of a mass cancel or kill switch: at once, and again when nothing is outstanding."""

    TEMPLATE_ID: ClassVar[int] = 205
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("cl_ord_id", 28, False, "Q"),
        Integer("requested", 36, False, "I"),
        Integer("outstanding", 40, False, "I"),
        Integer("code", 44, False, "H"),
        Pad(2),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    cl_ord_id: int = 0
    """Id of the mass cancel; requestId of the kill switch."""

    requested: int = 0
    """Live orders that matched."""

    outstanding: int = 0
    """Those that have not ended yet."""

    code: int = 0
    """0, or why no cancel was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessReject(Reply):
    """A message that could not be taken as it is; its sequence number is used up."""

    TEMPLATE_ID: ClassVar[int] = 206
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("ref_seq_no", 28, False, "Q"),
        Integer("ref_id", 36, False, "Q"),
        Integer("code", 44, False, "H"),
        Integer("ref_template_id", 46, False, "H"),
        Integer("field_offset", 48, True, "H"),
        Pad(2),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    ref_seq_no: int = 0
    """Sequence number of the message."""

    ref_id: int = 0
    """Its clOrdId or requestId, where known."""

    code: int = 0
    """Reject code."""

    ref_template_id: int = 0
    """Template of the message."""

    field_offset: int | None = None
    """Offset of the offending field in its root block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotApplied(Reply):
    """Sequence numbers that the server has not seen."""

    TEMPLATE_ID: ClassVar[int] = 207
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("from_seq_no", 28, False, "Q"),
        Integer("count", 36, False, "Q"),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    from_seq_no: int = 0
    """First one."""

    count: int = 0
    """How many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEvent(Reply):
    """Something a risk manager should know."""

    TEMPLATE_ID: ClassVar[int] = 210
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("old_value", 28, True, "q"),
        Integer("new_value", 36, True, "q"),
        Integer("ref_id", 44, False, "Q"),
        Integer("actor", 52, False, "I"),
        Integer("scope_id", 56, True, "I"),
        Integer("instrument_id", 60, True, "I"),
        Enumerated("event", 64, False, RiskEventKind),
        Enumerated("scope", 65, True, Scope),
        Enumerated("limit_kind", 66, True, LimitKind),
        Enumerated("severity", 67, False, Severity),
        Chars("reason", 68, False, 32),
        Enumerated("selector", 100, True, Selector),
        Pad(1),
        Pad(2),
        Integer("selector_id", 104, True, "I"),
        Integer("version", 108, False, "I"),
        Pad(4),
        Integer("expires_at", 116, False, "Q"),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    old_value: int | None = None
    """Before, or the limit."""

    new_value: int | None = None
    """After, or the use."""

    ref_id: int = 0
    """What else it is about, by the event: an order, an execution, a level; else 0."""

    actor: int = 0
    """Session that caused it; 0 for the server."""

    scope_id: int | None = None
    """Id within the scope."""

    instrument_id: int | None = None
    """Instrument."""

    event: RiskEventKind
    """What happened."""

    scope: Scope | None = None
    """Scope."""

    limit_kind: LimitKind | None = None
    """Kind of the limit."""

    severity: Severity
    """How urgent it is."""

    reason: str = ""
    """Reason given, or a short text."""

    selector: Selector | None = None
    """What the limit applies to within its scope; null where no limit is meant."""

    selector_id: int | None = None
    """Instrument, group or currency of the selector."""

    version: int = 0
    """Of the limit or state from now on; else 0."""

    expires_at: int = 0
    """End of a temporary value; 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReport(Reply):
    """One row of positions, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 211
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Scaled("net_qty", 36, False, 8),
        Scaled("open_buy_qty", 44, False, 8),
        Scaled("open_sell_qty", 52, False, 8),
        Scaled("avg_px", 60, True, 8),
        Scaled("notional", 68, False, 4),
        Scaled("day_pnl", 76, True, 4),
        Scaled("realised_pnl", 84, True, 4),
        Scaled("unrealised_pnl", 92, True, 4),
        Pad(8),
        Pad(8),
        Integer("scope_id", 116, False, "I"),
        Integer("instrument_id", 120, False, "I"),
        Enumerated("scope", 124, False, Scope),
        Pad(1),
        Pad(2),
        Integer("fx_version", 128, False, "I"),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    net_qty: Decimal
    """Signed filled position, saturating."""

    open_buy_qty: Decimal
    """Open quantity of live buys."""

    open_sell_qty: Decimal
    """Open quantity of live sells."""

    avg_px: Decimal | None = None
    """Average price of the position in the instrument's currency, for display: what was held at the roll counts at the opening mark; null where nothing is held."""

    notional: Decimal
    """Signed value at the mark."""

    day_pnl: Decimal | None = None
    """Profit and loss of the day; null without mark or rate."""

    realised_pnl: Decimal | None = None
    """The part of it that later prices can't change."""

    unrealised_pnl: Decimal | None = None
    """The rest: the position at the mark against its average price."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    instrument_id: int = 0
    """Instrument."""

    scope: Scope
    """Scope of the row."""

    fx_version: int = 0
    """Version of the rate that values it: how often it was set; 0 in the base currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAck(Reply):
    """Answer to a risk or operations message, and end of a query's page."""

    TEMPLATE_ID: ClassVar[int] = 212
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("cursor", 36, False, "Q"),
        Integer("new_version", 44, False, "I"),
        Integer("count", 48, False, "I"),
        Integer("code", 52, False, "H"),
        Integer("ref_template_id", 54, False, "H"),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    cursor: int = 0
    """Query: where the next page begins; 0 when there is none."""

    new_version: int = 0
    """Version now in force."""

    count: int = 0
    """Query: reports sent."""

    code: int = 0
    """0 applied, else the reject code."""

    ref_template_id: int = 0
    """Template of the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReport(Reply):
    """One limit with its use, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 213
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("value", 36, False, "q"),
        Integer("used", 44, True, "q"),
        Integer("window_ns", 52, False, "Q"),
        Integer("expires_at", 60, False, "Q"),
        Integer("scope_id", 68, False, "I"),
        Integer("selector_id", 72, False, "I"),
        Integer("version", 76, False, "I"),
        Enumerated("scope", 80, False, Scope),
        Enumerated("limit_kind", 81, False, LimitKind),
        Enumerated("selector", 82, False, Selector),
        Enumerated("mode", 83, False, LimitMode),
        Enumerated("unit", 84, False, Unit),
        Integer("warn1", 85, False, "B"),
        Integer("warn2", 86, False, "B"),
        Integer("warn3", 87, False, "B"),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    value: int = 0
    """Value in the unit of its kind; i64::MAX is unlimited."""

    used: int | None = None
    """Highest use now, in the same unit; null where the kind has none."""

    window_ns: int = 0
    """Length of the window of a rate."""

    expires_at: int = 0
    """End of a temporary limit; 0 for none."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    selector_id: int = 0
    """Instrument or product group; 0 for all."""

    version: int = 0
    """Version."""

    scope: Scope
    """Scope."""

    limit_kind: LimitKind
    """Kind."""

    selector: Selector
    """Selector."""

    mode: LimitMode
    """Mode."""

    unit: Unit
    """Unit of the value."""

    warn1: int = 0
    """First warn level in per cent."""

    warn2: int = 0
    """Second warn level in per cent."""

    warn3: int = 0
    """Third warn level in per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrderReport(Reply):
    """One live order, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 214
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("order_id", 36, False, "Q"),
        Integer("cl_ord_id", 44, False, "Q"),
        Scaled("price", 52, True, 8),
        Scaled("qty", 60, False, 8),
        Scaled("leaves_qty", 68, False, 8),
        Scaled("cum_qty", 76, False, 8),
        Pad(8),
        Pad(8),
        Integer("account", 100, False, "I"),
        Integer("instrument_id", 104, False, "I"),
        Integer("session_id", 108, False, "I"),
        Integer("trader_id", 112, False, "H"),
        Enumerated("side", 114, False, Side),
        Enumerated("status", 115, False, OrderStatus),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    cl_ord_id: int = 0
    """Id of the newest version not rejected."""

    price: Decimal | None = None
    """Price of the version in force."""

    qty: Decimal
    """Its total quantity."""

    leaves_qty: Decimal
    """Still open."""

    cum_qty: Decimal
    """Filled."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    session_id: int = 0
    """Session that sent it."""

    trader_id: int = 0
    """Trader."""

    side: Side
    """Side."""

    status: OrderStatus
    """Status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport(Reply):
    """Trading state of a scope or an instrument, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 215
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("scope_id", 36, False, "I"),
        Integer("version", 40, False, "I"),
        Integer("business_date", 44, False, "I"),
        Enumerated("scope", 48, False, Scope),
        Enumerated("state", 49, False, TradingState),
        Enumerated("breached", 50, False, Flag),
        Enumerated("restricted", 51, False, Flag),
        Enumerated("ready", 52, False, Flag),
        Enumerated("two_person", 53, False, Flag),
        Pad(2),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    version: int = 0
    """Version of the state."""

    business_date: int = 0
    """Business date as YYYYMMDD; 0 before the first."""

    scope: Scope
    """Scope."""

    state: TradingState
    """State."""

    breached: Flag
    """Whether use of an enforced limit is above it."""

    restricted: Flag
    """Firm: reduce only until the restart is reconciled."""

    ready: Flag
    """Firm: whether the day is open."""

    two_person: Flag
    """Firm: whether loosening needs two people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionReport(Reply):
    """One session, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 216
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("last_applied_seq_no", 36, False, "Q"),
        Integer("next_seq_no", 44, False, "Q"),
        Integer("cl_ord_id_mark", 52, False, "Q"),
        Integer("session_id", 60, False, "I"),
        Integer("key_id", 64, False, "I"),
        Enumerated("role", 68, False, Role),
        Enumerated("topology", 69, False, Topology),
        Enumerated("up", 70, False, Flag),
        Enumerated("cod_mode", 71, False, CodMode),
        Integer("venue_id", 72, False, "H"),
        Pad(2),
        Chars("name", 76, False, 16),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    last_applied_seq_no: int = 0
    """Highest inbound sequence number applied."""

    next_seq_no: int = 0
    """Next outbound sequence number."""

    cl_ord_id_mark: int = 0
    """Highest clOrdId accepted for uniqueness."""

    session_id: int = 0
    """Session."""

    key_id: int = 0
    """Key in use."""

    role: Role
    """Role."""

    topology: Topology
    """How a desk stands in the flow; without meaning for other roles."""

    up: Flag
    """Whether it is logged on."""

    cod_mode: CodMode
    """Cancel on disconnect."""

    venue_id: int = 0
    """Venue of a venue session; else 0."""

    name: str = ""
    """Name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomReport(Reply):
    """What an account could still buy and sell now, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 217
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Scaled("max_buy", 36, False, 8),
        Scaled("max_sell", 44, False, 8),
        Scaled("price", 52, True, 8),
        Integer("account", 60, False, "I"),
        Integer("instrument_id", 64, False, "I"),
        Integer("buy_code", 68, False, "H"),
        Integer("sell_code", 70, False, "H"),
        Integer("trader_id", 72, False, "H"),
        Pad(2),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """0: answers to queries carry no sequence number."""

    engine_seq: int = 0
    """Sequence of the last command in the journal that the answer knows of."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    max_buy: Decimal
    """Largest quantity a limit buy would pass with now; 0 for none."""

    max_sell: Decimal
    """Largest quantity a limit sell would pass with now; 0 for none."""

    price: Decimal | None = None
    """Limit price that was assumed; null where the instrument has no reference."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    buy_code: int = 0
    """Reject code that one step more to buy would meet."""

    sell_code: int = 0
    """Reject code that one step more to sell would meet."""

    trader_id: int = 0
    """Trader that was assumed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalReport(Reply):
    """One proposal that waits for a second person, in answer to a query."""

    TEMPLATE_ID: ClassVar[int] = 218
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("request_id", 28, False, "Q"),
        Integer("value", 36, True, "q"),
        Integer("window_ns", 44, False, "Q"),
        Integer("limit_expires_at", 52, False, "Q"),
        Integer("proposed_at", 60, False, "Q"),
        Integer("expires_at", 68, False, "Q"),
        Integer("proposal_id", 76, False, "I"),
        Integer("expected_version", 80, False, "I"),
        Integer("scope_id", 84, False, "I"),
        Integer("selector_id", 88, False, "I"),
        Integer("desk_id", 92, False, "I"),
        Integer("session_id", 96, False, "I"),
        Enumerated("what", 100, False, ProposalKind),
        Enumerated("scope", 101, True, Scope),
        Enumerated("limit_kind", 102, True, LimitKind),
        Enumerated("selector", 103, True, Selector),
        Enumerated("unit", 104, True, Unit),
        Enumerated("mode", 105, True, LimitMode),
        Enumerated("state", 106, True, TradingState),
        Pad(1),
        Chars("person", 108, False, 16),
        Chars("reason", 124, False, 32),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """0: answers to queries carry no sequence number."""

    engine_seq: int = 0
    """Sequence of the last command in the journal that the answer knows of."""

    engine_time: int = 0
    """Time of that command."""

    request_id: int = 0
    """Chosen by the client, echoed in the answer."""

    value: int | None = None
    """Limit: proposed value; null removes the limit."""

    window_ns: int = 0
    """Limit: length of the window of a rate; else 0."""

    limit_expires_at: int = 0
    """Limit: end of a temporary limit; else 0."""

    proposed_at: int = 0
    """When it was proposed."""

    expires_at: int = 0
    """When the proposal lapses."""

    proposal_id: int = 0
    """Number of the proposal."""

    expected_version: int = 0
    """Version that it is based on."""

    scope_id: int = 0
    """Id within the scope; 0 for the firm."""

    selector_id: int = 0
    """Limit: instrument or product group; 0 for all."""

    desk_id: int = 0
    """Move: the new desk; else 0."""

    session_id: int = 0
    """Session that proposed it."""

    what: ProposalKind
    """What is to change."""

    scope: Scope | None = None
    """Scope."""

    limit_kind: LimitKind | None = None
    """Limit: kind."""

    selector: Selector | None = None
    """Limit: selector."""

    unit: Unit | None = None
    """Limit: unit of the value."""

    mode: LimitMode | None = None
    """Limit: mode."""

    state: TradingState | None = None
    """State: proposed state."""

    person: str = ""
    """The person behind that session."""

    reason: str = ""
    """Why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedOrder(Reply):
    """To the venue session: an accepted order."""

    TEMPLATE_ID: ClassVar[int] = 220
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("order_id", 28, False, "Q"),
        Integer("cl_ord_id", 36, False, "Q"),
        Scaled("price", 44, True, 8),
        Scaled("qty", 52, False, 8),
        Integer("account", 60, False, "I"),
        Integer("instrument_id", 64, False, "I"),
        Integer("order_session_id", 68, False, "I"),
        Integer("trader_id", 72, False, "H"),
        Integer("strategy_id", 74, False, "H"),
        Enumerated("side", 76, False, Side),
        Enumerated("ord_type", 77, False, OrdType),
        Enumerated("tif", 78, False, TimeInForce),
        Enumerated("capacity", 79, False, Capacity),
        Pad(4),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    cl_ord_id: int = 0
    """Id of the order."""

    price: Decimal | None = None
    """Limit price; null for market orders."""

    qty: Decimal
    """Total order quantity."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    order_session_id: int = 0
    """Session that sent the order."""

    trader_id: int = 0
    """Person or algorithm behind the order."""

    strategy_id: int = 0
    """Free for the desk's use."""

    side: Side
    """Side."""

    ord_type: OrdType
    """Order type."""

    tif: TimeInForce
    """Time in force."""

    capacity: Capacity
    """Order capacity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedReplace(Reply):
    """To the venue session: an accepted replace."""

    TEMPLATE_ID: ClassVar[int] = 221
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("order_id", 28, False, "Q"),
        Integer("cl_ord_id", 36, False, "Q"),
        Integer("orig_cl_ord_id", 44, False, "Q"),
        Scaled("price", 52, True, 8),
        Scaled("qty", 60, False, 8),
        Integer("account", 68, False, "I"),
        Integer("instrument_id", 72, False, "I"),
        Integer("order_session_id", 76, False, "I"),
        Enumerated("side", 80, False, Side),
        Enumerated("ord_type", 81, False, OrdType),
        Pad(2),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    cl_ord_id: int = 0
    """Id of the replace."""

    orig_cl_ord_id: int = 0
    """Id of the version that it replaces."""

    price: Decimal | None = None
    """New limit price."""

    qty: Decimal
    """New total quantity."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    order_session_id: int = 0
    """Session that sent the order."""

    side: Side
    """Side."""

    ord_type: OrdType
    """Order type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutedCancel(Reply):
    """To the venue session, or to a desk in sidecar: a request to cancel."""

    TEMPLATE_ID: ClassVar[int] = 222
    FIELDS: ClassVar[tuple[Field, ...]] = (
        Integer("flags", 0, False, "I"),
        Integer("seq_no", 4, False, "Q"),
        Integer("engine_seq", 12, False, "Q"),
        Integer("engine_time", 20, False, "Q"),
        Integer("order_id", 28, False, "Q"),
        Integer("cl_ord_id", 36, False, "Q"),
        Integer("orig_cl_ord_id", 44, False, "Q"),
        Integer("account", 52, False, "I"),
        Integer("instrument_id", 56, False, "I"),
        Integer("order_session_id", 60, False, "I"),
        Enumerated("side", 64, False, Side),
        Enumerated("reason", 65, False, CancelReason),
        Pad(2),
    )

    flags: int = 0
    """1: sent before (replay)."""

    seq_no: int = 0
    """Sequence number in the session's outbound log, from 1; 0 for answers to queries."""

    engine_seq: int = 0
    """Sequence of the command in the journal that this message results from."""

    engine_time: int = 0
    """Time of that command."""

    order_id: int = 0
    """Id that the server gave the order; never reused."""

    cl_ord_id: int = 0
    """Id of the cancel; 0 for one of the server's own."""

    orig_cl_ord_id: int = 0
    """Id of the newest version."""

    account: int = 0
    """Account."""

    instrument_id: int = 0
    """Instrument."""

    order_session_id: int = 0
    """Session that sent the order."""

    side: Side
    """Side."""

    reason: CancelReason
    """Why."""


MESSAGES: Final[dict[int, type[Message]]] = {
    1: Hello,
    2: Logon,
    3: LogonAck,
    4: LogonReject,
    5: Heartbeat,
    6: ReplayComplete,
    7: Terminate,
    100: NewOrder,
    101: ReplaceOrder,
    102: CancelOrder,
    103: MassCancel,
    104: VenueReport,
    120: SetLimit,
    121: SetState,
    122: Query,
    123: SetReference,
    124: SetMark,
    125: SetFx,
    126: DefineInstrument,
    127: DefineAccount,
    128: Permit,
    129: PositionLoad,
    130: DayOpen,
    131: DayRoll,
    132: Reconcile,
    133: Adjust,
    134: LocateLoad,
    135: CashLoad,
    136: Propose,
    137: Approve,
    138: MmpReset,
    139: AdvanceTime,
    140: SetTwoPerson,
    200: OrderAccepted,
    201: OrderRejected,
    202: OrderReplaced,
    203: OrderCancelled,
    204: OrderFilled,
    205: MassCancelReport,
    206: BusinessReject,
    207: NotApplied,
    210: RiskEvent,
    211: PositionReport,
    212: AdminAck,
    213: LimitReport,
    214: OpenOrderReport,
    215: StateReport,
    216: SessionReport,
    217: RoomReport,
    218: ProposalReport,
    220: RoutedOrder,
    221: RoutedReplace,
    222: RoutedCancel,
}
"""Every message by its template id."""

Report: TypeAlias = (
    PositionReport
    | LimitReport
    | OpenOrderReport
    | StateReport
    | SessionReport
    | RoomReport
    | ProposalReport
)
"""What a query is answered with."""

__all__ = [
    "Adjust",
    "AdjustKind",
    "AdminAck",
    "AdvanceTime",
    "ApprovalAction",
    "Approve",
    "BusinessReject",
    "CancelOrder",
    "CancelReason",
    "Capacity",
    "CashLoad",
    "CodMode",
    "DayOpen",
    "DayRoll",
    "DefineAccount",
    "DefineInstrument",
    "ExecType",
    "Flag",
    "Heartbeat",
    "Hello",
    "LimitKind",
    "LimitMode",
    "LimitReport",
    "Liquidity",
    "LocateLoad",
    "LocateWhat",
    "Logon",
    "LogonAck",
    "LogonReject",
    "MESSAGES",
    "MassCancel",
    "MassCancelReport",
    "MmpReset",
    "NewOrder",
    "NotApplied",
    "OpenOrderReport",
    "OrdType",
    "OrderAccepted",
    "OrderCancelled",
    "OrderFilled",
    "OrderRejected",
    "OrderReplaced",
    "OrderStatus",
    "POSS_DUP",
    "Permit",
    "PositionLoad",
    "PositionReport",
    "ProposalKind",
    "ProposalReport",
    "Propose",
    "Query",
    "QueryWhat",
    "REPLY_REQUESTED",
    "Reconcile",
    "ReconcileWhat",
    "RejectCode",
    "ReplaceOrder",
    "ReplayComplete",
    "Report",
    "RiskEvent",
    "RiskEventKind",
    "Role",
    "RoomReport",
    "RoutedCancel",
    "RoutedOrder",
    "RoutedReplace",
    "Scope",
    "Selector",
    "SessionReport",
    "SetFx",
    "SetLimit",
    "SetMark",
    "SetReference",
    "SetState",
    "SetTwoPerson",
    "Severity",
    "Side",
    "StateReport",
    "Terminate",
    "TimeInForce",
    "Topology",
    "TradingState",
    "Unit",
    "VenueReport",
    "WHAT_IF",
]
