"""An example venue adapter: takes accepted orders from the server and reports what became of them.

    portcullis serve
    python examples/venue.py --data portcullis-data

It is the session of venue 1 of the example firm. In place of a market it fills the first half of every
order at once and lets the second half rest until it is cancelled; ImmediateOrCancel gets its remainder
cancelled. What a real adapter adds is the market's own protocol, and a file with the orders that it has
sent there, so that it knows after a restart of its own which of the replayed orders are new to it.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from portcullis import (
    CancelReason,
    Client,
    Credentials,
    ExecType,
    Flag,
    Liquidity,
    Role,
    RoutedCancel,
    RoutedOrder,
    RoutedReplace,
    TimeInForce,
    VenueReport,
    keys,
)

VENUE = 1
STALE_NS = 2_000_000_000
"""Age above which an order is not sent to a market as if it were new."""


@dataclass
class Resting:
    """What the market has of an order."""

    order: RoutedOrder
    qty: Decimal
    price: Decimal
    cum: Decimal = Decimal(0)


class Adapter:
    def __init__(self, client: Client) -> None:
        self.client = client
        self.book: dict[int, Resting] = {}
        # Unique within venue, trade date, instrument and side, also after a restart.
        self.exec_id = time.time_ns()

    def run(self, seconds: float | None) -> None:
        until = None if seconds is None else time.monotonic() + seconds
        while until is None or time.monotonic() < until:
            message = self.client.recv(0.2)
            if isinstance(message, RoutedOrder):
                self.new(message)
            elif isinstance(message, RoutedReplace):
                self.replace(message)
            elif isinstance(message, RoutedCancel):
                self.cancel(message)

    def new(self, order: RoutedOrder) -> None:
        if order.order_id in self.book:
            return
        if time.time_ns() - order.engine_time > STALE_NS or order.price is None:
            print(f"order {order.order_id}: refused, too old or without a price")
            self.report(order, order.cl_ord_id, ExecType.REJECTED)
            return
        resting = Resting(order, order.qty, order.price)
        self.book[order.order_id] = resting
        self.report(order, order.cl_ord_id, ExecType.NEW)
        half = (order.qty / 2).to_integral_value()
        if half:
            self.fill(resting, half)
        if order.tif is TimeInForce.IMMEDIATE_OR_CANCEL:
            self.end(resting, CancelReason.UNSOLICITED)

    def replace(self, request: RoutedReplace) -> None:
        resting = self.book.get(request.order_id)
        if resting is None or request.price is None or request.qty <= resting.cum:
            self.report(request, request.cl_ord_id, ExecType.REPLACE_REJECTED)
            return
        resting.qty, resting.price = request.qty, request.price
        self.report(request, request.cl_ord_id, ExecType.REPLACED)

    def cancel(self, request: RoutedCancel) -> None:
        resting = self.book.get(request.order_id)
        if resting is None:
            self.report(request, request.orig_cl_ord_id, ExecType.CANCEL_REJECTED)
        else:
            self.end(resting, request.reason)

    def fill(self, resting: Resting, qty: Decimal) -> None:
        resting.cum += qty
        self.exec_id += 1
        print(f"order {resting.order.order_id}: filled {qty} at {resting.price}")
        report = self.report_of(resting.order, 0, ExecType.FILL)
        self.client.send(
            replace(
                report,
                venue_exec_id=self.exec_id,
                last_px=resting.price,
                last_qty=qty,
                cum_qty=resting.cum,
                leaves_qty=resting.qty - resting.cum,
                liquidity=Liquidity.ADDED,
            )
        )

    def end(self, resting: Resting, reason: CancelReason) -> None:
        del self.book[resting.order.order_id]
        print(f"order {resting.order.order_id}: cancelled {resting.qty - resting.cum}")
        report = self.report_of(resting.order, 0, ExecType.CANCELLED)
        self.client.send(replace(report, cum_qty=resting.cum, reason=reason))

    def report(
        self, about: RoutedOrder | RoutedReplace | RoutedCancel, cl_ord_id: int, what: ExecType
    ) -> None:
        self.client.send(self.report_of(about, cl_ord_id, what))

    def report_of(
        self, about: RoutedOrder | RoutedReplace | RoutedCancel, cl_ord_id: int, what: ExecType
    ) -> VenueReport:
        now = time.time_ns()
        return VenueReport(
            order_id=about.order_id,
            cl_ord_id=cl_ord_id,
            last_qty=Decimal(0),
            transact_time=now,
            trade_date=int(time.strftime("%Y%m%d", time.gmtime(now // 1_000_000_000))),
            account=about.account,
            instrument_id=about.instrument_id,
            order_session_id=about.order_session_id,
            venue_id=VENUE,
            exec_type=what,
            side=about.side,
            liquidity=Liquidity.UNKNOWN,
            reopen=Flag.NO,
            reason=CancelReason.REQUESTED,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="An example venue adapter.")
    parser.add_argument("--data", type=Path, default=Path("portcullis-data"))
    parser.add_argument("--seconds", type=float, help="stop after so long; else at Ctrl-C")
    args = parser.parse_args()
    credentials = Credentials(
        session_id=11,
        role=Role.VENUE,
        key=keys.load(args.data / "keys" / "venue1.key"),
        instance="example",
    )
    address = (args.data / "address").read_text()
    with Client.connect(address, credentials) as client:
        print("connected as venue 1", flush=True)
        try:
            Adapter(client).run(args.seconds)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
