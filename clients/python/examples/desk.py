"""An example desk: buys, watches what becomes of it, and cancels what is left.

    portcullis demo --stay                      # a server with a simulated venue, or: portcullis serve
    python examples/desk.py --data DIRECTORY    # as it was printed; portcullis-data for `serve`

It is desk 1 of the example firm, which is inline: an accepted order goes on to the venue's session. The
program asks first what would be decided, places the order, follows it for a few seconds, and cancels
what has not been filled.
"""

from __future__ import annotations

import argparse
import asyncio
from decimal import Decimal
from pathlib import Path

from portcullis import (
    WHAT_IF,
    AsyncClient,
    CancelOrder,
    Capacity,
    Credentials,
    NewOrder,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    OrdType,
    Role,
    Side,
    TimeInForce,
    code_text,
    keys,
)


def say_refusal(refusal: OrderRejected) -> None:
    print(f"rejected: {code_text(refusal.code)}")
    if refusal.limit_kind is not None and refusal.limit_scope is not None:
        # In the unit of the kind: quantities in 1e-8, amounts in 1e-4.
        print(
            f"  {refusal.limit_kind.name} of {refusal.limit_scope.name} {refusal.scope_id} is "
            f"{refusal.limit_value}, this order reaches {refusal.observed_value} "
            f"(version {refusal.limit_version})"
        )


async def trade(client: AsyncClient, qty: Decimal, price: Decimal, patience: float) -> int:
    # clOrdIds rise for the life of a session, and so do its sequence numbers: one serves as the other.
    def order(flags: int) -> NewOrder:
        return NewOrder(
            flags=flags,
            cl_ord_id=client.session.next_seq_no,
            account=1,
            instrument_id=1,
            trader_id=1,
            side=Side.BUY,
            qty=qty,
            price=price,
            ord_type=OrdType.LIMIT,
            tif=TimeInForce.DAY,
            capacity=Capacity.AGENCY,
        )

    would_be = await client.submit(order(WHAT_IF))
    print(f"asked what would be decided: {type(would_be).__name__}")

    answer = await client.submit(order(0))
    if isinstance(answer, OrderRejected):
        say_refusal(answer)
        return 6
    print(f"accepted: order {answer.order_id}, {answer.util_bps} bps of the tightest limit are used")

    leaves = qty
    try:
        async with asyncio.timeout(patience):
            while leaves:
                message = await client.recv()
                if isinstance(message, OrderFilled) and message.cl_ord_id == answer.cl_ord_id:
                    leaves = message.leaves_qty
                    print(f"filled: {message.last_qty} at {message.last_px}, {leaves} left")
    except TimeoutError:
        print(f"cancelling {leaves}")
        request = CancelOrder(
            cl_ord_id=client.session.next_seq_no, orig_cl_ord_id=answer.cl_ord_id, trader_id=1
        )
        reply = await client.submit(request)
        if isinstance(reply, OrderAccepted):
            # Only the venue's word ends the order: a fill may still come first.
            while not isinstance(message := await client.recv(), OrderCancelled):
                if isinstance(message, OrderFilled):
                    print(f"filled: {message.last_qty} at {message.last_px}")
            print(f"cancelled: {message.cancelled_qty}")
    return 0


async def main() -> int:
    parser = argparse.ArgumentParser(description="An example desk.")
    parser.add_argument("--data", type=Path, default=Path("portcullis-data"))
    parser.add_argument("--qty", type=Decimal, default=Decimal(100))
    parser.add_argument("--price", type=Decimal, default=Decimal("585.33"))
    parser.add_argument("--patience", type=float, default=3.0, help="seconds before it cancels")
    args = parser.parse_args()
    credentials = Credentials(
        session_id=1,
        role=Role.DESK,
        key=keys.load(args.data / "keys" / "desk1.key"),
        instance="example",
    )
    address = (args.data / "address").read_text()
    async with await AsyncClient.connect(address, credentials) as client:
        return await trade(client, args.qty, args.price, args.patience)


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
