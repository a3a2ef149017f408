"""Which reply answers which request, and when a broken line is worth another try. No I/O."""

from __future__ import annotations

import random

from portcullis.errors import LineBrokenError, LogonRejectedError, NoAnswerError, RejectedError
from portcullis.layout import Message, Request
from portcullis.messages import (
    WHAT_IF,
    AdminAck,
    BusinessReject,
    CancelOrder,
    MassCancel,
    MassCancelReport,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    RejectCode,
    ReplaceOrder,
    Report,
)

Decision = OrderAccepted | OrderRejected
"""The one answer to a new order, a replace or a cancel."""

ORDERS = (NewOrder, ReplaceOrder, CancelOrder)

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0


def with_request_id(request: Request, request_id: int) -> Request:
    """The request with the id that its answer will carry; orders have their cl_ord_id instead."""
    if not hasattr(request, "request_id"):
        return request
    return request.changed(request_id=request_id)


class Expected:
    """One request that waits for its answer."""

    def __init__(self, request: Request, seq_no: int) -> None:
        self.seq_no = seq_no
        self.cl_ord_id: int = getattr(request, "cl_ord_id", 0)
        self.request_id: int = getattr(request, "request_id", 0)
        self.is_order = isinstance(request, ORDERS)
        self.is_mass_cancel = isinstance(request, MassCancel)
        self.what_if = request.flags & WHAT_IF
        self.reports: list[Report] = []

    def take(self, message: Message) -> Message | None:
        """The message itself if it is the answer; reports of a query are collected on the way.

        Raises RejectedError if the message says that the request could not be taken as it is.
        """
        if isinstance(message, BusinessReject) and message.ref_seq_no == self.seq_no:
            where = "" if message.field_offset is None else f" (offset {message.field_offset})"
            what = f"message {self.seq_no} of template {message.ref_template_id}{where}"
            raise RejectedError(what, message.code)
        if isinstance(message, (OrderAccepted, OrderRejected)):
            same = message.cl_ord_id == self.cl_ord_id and message.flags & WHAT_IF == self.what_if
            return message if self.is_order and same else None
        if isinstance(message, MassCancelReport):
            mine = self.is_mass_cancel and message.cl_ord_id == self.cl_ord_id
            return message if mine else None
        if isinstance(message, AdminAck):
            mine = self.request_id != 0 and message.request_id == self.request_id
            return message if mine else None
        return None

    def collects(self, message: Message) -> bool:
        """Whether the message is a report that the request asked for; it is kept if so."""
        if isinstance(message, Report) and self.request_id == message.request_id != 0:
            self.reports.append(message)
            return True
        return False


class Patience:
    """How long, and with which pauses, a client tries to take up a broken session."""

    def __init__(self, give_up_at: float) -> None:
        self._give_up_at = give_up_at
        self._pause = _FIRST_PAUSE

    def pause_after(self, error: Exception, now: float) -> float | None:
        """Seconds to wait before the next try; None if it is not worth one."""
        pause = self._pause
        if isinstance(error, LogonRejectedError):
            if error.code not in (RejectCode.ALREADY_LOGGED_ON, RejectCode.THROTTLED):
                return None
            pause = max(pause, error.retry_after)
        elif not isinstance(error, (OSError, LineBrokenError, NoAnswerError)):
            return None
        # Clients that lost the same server do not all come back in the same instant.
        pause *= random.uniform(1.0, 1.25)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return pause if now + pause < self._give_up_at else None
