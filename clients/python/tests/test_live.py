"""Both faces against the real server: trade, be refused, break the line, kill the server."""

from __future__ import annotations

import asyncio
import socket
import time
import unittest
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from support import LiveTest, order

from portcullis import (
    AsyncClient,
    Client,
    LogonRejectedError,
    Message,
    NoAnswerError,
    Options,
    RejectedError,
    WrongEpochError,
)
from portcullis.messages import (
    POSS_DUP,
    WHAT_IF,
    BusinessReject,
    CancelOrder,
    CancelReason,
    ExecType,
    Flag,
    Heartbeat,
    LimitKind,
    LimitMode,
    Liquidity,
    LogonAck,
    MassCancel,
    OpenOrderReport,
    OrderAccepted,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    Query,
    QueryWhat,
    RejectCode,
    ReplaceOrder,
    ReplayComplete,
    RoutedCancel,
    RoutedOrder,
    Scope,
    Selector,
    SetLimit,
    Side,
    Unit,
    VenueReport,
)

PATIENT = Options(timeout=20.0, reconnect_for=30.0)


def fill(cl_ord_id: int, exec_id: int, qty: str) -> VenueReport:
    """What the sidecar desk 2 reports about an order of its own."""
    return VenueReport(
        cl_ord_id=cl_ord_id,
        venue_exec_id=exec_id,
        last_px=Decimal("585.33"),
        last_qty=Decimal(qty),
        transact_time=time.time_ns(),
        trade_date=int(time.strftime("%Y%m%d", time.gmtime())),
        account=4,
        instrument_id=1,
        venue_id=1,
        exec_type=ExecType.FILL,
        side=Side.BUY,
        liquidity=Liquidity.ADDED,
        reopen=Flag.NO,
        reason=CancelReason.REQUESTED,
    )


class Blocking(LiveTest):
    def connect(self, name: str = "desk2", options: Options = PATIENT) -> Client:
        client = Client.connect(self.server.address, self.server.credentials(name), options)
        self.addCleanup(client.close)
        return client

    def test_an_order_is_accepted_filled_and_cancelled(self) -> None:
        desk = self.connect()
        answer = desk.submit(order(1))
        assert isinstance(answer, OrderAccepted)
        self.assertEqual(answer.cl_ord_id, 1)
        desk.send(fill(1, 500, "4"))
        while not isinstance(message := desk.recv(20), OrderFilled):
            self.assertIsNotNone(message)
        self.assertEqual((message.last_qty, message.leaves_qty), (Decimal(4), Decimal(6)))
        self.assertEqual(message.net_position, Decimal(4))
        answer = desk.submit(CancelOrder(cl_ord_id=2, orig_cl_ord_id=1, trader_id=3))
        self.assertIsInstance(answer, OrderAccepted)
        cancelled = replace(
            fill(1, 0, "0"), exec_type=ExecType.CANCELLED, last_px=None, venue_exec_id=501
        )
        desk.send(cancelled)
        while not isinstance(message := desk.recv(20), OrderCancelled):
            self.assertIsNotNone(message)
        self.assertEqual(message.cancelled_qty, Decimal(6))

    def test_a_refusal_names_limit_value_and_scope(self) -> None:
        desk = self.connect()
        answer = desk.submit(order(1, price="700"))
        assert isinstance(answer, OrderRejected)
        self.assertEqual(answer.code, RejectCode.PRICE_COLLAR)
        self.assertEqual((answer.limit_kind, answer.limit_scope), (LimitKind.PRICE_COLLAR, Scope.ACCOUNT))
        self.assertEqual((answer.scope_id, answer.limit_value), (4, 500))

    def test_a_question_reserves_nothing(self) -> None:
        desk = self.connect()
        for _ in range(2):
            answer = desk.submit(order(1, flags=WHAT_IF))
            self.assertIsInstance(answer, OrderAccepted)
        self.assertEqual(desk.query(Query(what=QueryWhat.OPEN_ORDERS)), [])
        self.assertIsInstance(desk.submit(order(1)), OrderAccepted)

    def test_a_message_of_another_role_is_rejected_by_name(self) -> None:
        desk = self.connect()
        with self.assertRaisesRegex(RejectedError, "ROLE_DENIED"):
            desk.command(smaller(Decimal(5)))
        desk.send(smaller(Decimal(5)))
        while not isinstance(message := desk.recv(20), BusinessReject):
            self.assertIsNotNone(message)
        self.assertEqual(message.ref_template_id, SetLimit.TEMPLATE_ID)

    def test_a_limit_set_by_the_risk_manager_binds_the_next_order(self) -> None:
        desk, risk = self.connect(), self.connect("risk")
        self.assertEqual(risk.command(smaller(Decimal(5))).code, 0)
        answer = desk.submit(order(1, qty="6"))
        assert isinstance(answer, OrderRejected)
        self.assertEqual(answer.code, RejectCode.MAX_ORDER_QTY)
        self.assertIsInstance(desk.submit(order(2, qty="5")), OrderAccepted)

    def test_a_mass_cancel_counts_what_it_asked_for(self) -> None:
        desk = self.connect()
        for n in (1, 2, 3):
            self.assertIsInstance(desk.submit(order(n)), OrderAccepted)
        report = desk.mass_cancel(MassCancel(cl_ord_id=4))
        self.assertEqual((report.requested, report.outstanding), (3, 3))

    def test_queries_of_many_pages_come_back_whole(self) -> None:
        desk = self.connect()
        for n in range(1, 31):
            desk.submit(order(n))
        orders = desk.query(Query(what=QueryWhat.OPEN_ORDERS, max_rows=7))
        found = [r.cl_ord_id for r in orders if isinstance(r, OpenOrderReport)]
        self.assertEqual(sorted(found), list(range(1, 31)))

    def test_a_wrong_key_is_refused(self) -> None:
        wrong = replace(self.server.credentials("desk1"), session_id=2)
        with self.assertRaisesRegex(LogonRejectedError, "CREDENTIALS"):
            Client.connect(self.server.address, wrong, PATIENT)

    def test_heartbeats_keep_an_idle_line_alive(self) -> None:
        desk = self.connect(options=replace(PATIENT, keep_alive=1.0, reconnect_for=0.0))
        beats, until = 0, time.monotonic() + 4.5
        while time.monotonic() < until:
            beats += isinstance(desk.recv(0.2), Heartbeat)
        self.assertGreaterEqual(beats, 3)
        self.assertIsInstance(desk.submit(order(1)), OrderAccepted)

    def test_a_broken_line_is_taken_up_and_nothing_is_doubled_or_lost(self) -> None:
        desk = self.connect()
        answered: list[int] = []
        for n in range(1, 61):
            desk.send(order(n))
            if n % 10 == 0:
                if (line := desk._socket) is not None:
                    line.shutdown(socket.SHUT_RDWR)
                message = desk.recv(20)
                answered += [message.cl_ord_id] if isinstance(message, OrderAccepted) else []
        self.every_order_is_answered_once(desk, 60, answered)

    def test_a_killed_server_is_waited_for_and_nothing_is_doubled_or_lost(self) -> None:
        desk = self.connect()
        for n in range(1, 61):
            desk.send(order(n))
            if n % 20 == 0:
                self.server.kill()
                self.server.start()
        self.every_order_is_answered_once(desk, 60, [])

    def every_order_is_answered_once(self, desk: Client, count: int, answered: list[int]) -> None:
        resumed = 0
        until = time.monotonic() + 60
        while len(answered) < count and time.monotonic() < until:
            message = desk.recv(1)
            if isinstance(message, OrderAccepted):
                answered.append(message.cl_ord_id)
            resumed += isinstance(message, LogonAck)
        self.assertEqual(answered, list(range(1, count + 1)))
        self.assertGreaterEqual(resumed, 1)
        orders = desk.query(Query(what=QueryWhat.OPEN_ORDERS))
        found = sorted(r.cl_ord_id for r in orders if isinstance(r, OpenOrderReport))
        self.assertEqual(found, answered)

    def test_another_process_takes_the_session_up_from_the_first_number(self) -> None:
        first = self.connect()
        for n in (1, 2, 3):
            first.submit(order(n))
        first.close()
        again = self.connect(options=replace(PATIENT, next_expected=1))
        replayed: list[OrderAccepted] = []
        while not isinstance(message := again.recv(20), ReplayComplete):
            if isinstance(message, OrderAccepted):
                replayed.append(message)
        self.assertEqual([m.cl_ord_id for m in replayed], [1, 2, 3])
        self.assertTrue(all(m.flags & POSS_DUP for m in replayed))
        self.assertEqual(again.session.next_seq_no, 4)

    def test_an_epoch_that_is_not_the_servers_is_never_swallowed(self) -> None:
        with self.assertRaises(WrongEpochError):
            self.connect(options=replace(PATIENT, epoch=9, next_expected=1))

    def test_a_program_that_gave_up_is_told_what_broke(self) -> None:
        desk = self.connect(options=replace(PATIENT, reconnect_for=0.0))
        self.server.kill()
        with self.assertRaises((OSError, Exception)) as caught:
            desk.submit(order(1))
        self.assertNotIsInstance(caught.exception, NoAnswerError)


class Asyncio(LiveTest):
    def run_with(self, test: object) -> None:
        asyncio.run(asyncio.wait_for(test, 60))  # type: ignore[arg-type]

    async def connect(self, name: str = "desk2", options: Options = PATIENT) -> AsyncClient:
        credentials = self.server.credentials(name)
        return await AsyncClient.connect(self.server.address, credentials, options)

    def test_many_tasks_share_one_session(self) -> None:
        async def test() -> None:
            async with await self.connect() as desk:
                answers = await asyncio.gather(*(desk.submit(order(n)) for n in range(1, 101)))
                found = [a.cl_ord_id for a in answers if isinstance(a, OrderAccepted)]
                self.assertEqual(found, list(range(1, 101)))
                orders = await desk.query(Query(what=QueryWhat.OPEN_ORDERS, max_rows=30))
                self.assertEqual(len(orders), 100)

        self.run_with(test())

    def test_an_inline_order_goes_to_the_venue_and_its_fill_comes_back(self) -> None:
        async def test() -> None:
            venue = await self.connect("venue1")
            desk = await self.connect("desk1")
            sent = replace(order(1), account=1, trader_id=1)
            self.assertIsInstance(await desk.submit(sent), OrderAccepted)
            routed = await wait_for(venue, RoutedOrder)
            filled = replace(
                fill(0, 900, "10"), order_id=routed.order_id, account=1, order_session_id=1
            )
            await venue.send(filled)
            heard = await wait_for(desk, OrderFilled)
            self.assertEqual((heard.cl_ord_id, heard.leaves_qty), (1, Decimal(0)))
            await desk.submit(replace(sent, cl_ord_id=2))
            self.assertIsInstance(
                await desk.submit(
                    ReplaceOrder(
                        cl_ord_id=3,
                        orig_cl_ord_id=2,
                        price=Decimal("585.00"),
                        qty=Decimal(8),
                        trader_id=1,
                    )
                ),
                OrderAccepted,
            )
            await desk.submit(CancelOrder(cl_ord_id=4, orig_cl_ord_id=3, trader_id=1))
            asked = await wait_for(venue, RoutedCancel)
            self.assertGreater(asked.order_id, routed.order_id)
            await desk.close()
            await venue.close()

        self.run_with(test())

    def test_a_killed_server_is_waited_for_and_every_answer_comes_once(self) -> None:
        async def test() -> None:
            async with await self.connect() as desk:
                first = [asyncio.create_task(desk.submit(order(n))) for n in range(1, 31)]
                await asyncio.sleep(0)
                await asyncio.to_thread(self.server.kill)
                second = [asyncio.create_task(desk.submit(order(n))) for n in range(31, 61)]
                await asyncio.to_thread(self.server.start)
                answers = await asyncio.gather(*first, *second)
                self.assertTrue(all(isinstance(a, OrderAccepted) for a in answers))
                orders = await desk.query(Query(what=QueryWhat.OPEN_ORDERS))
                self.assertEqual(len(orders), 60)

        self.run_with(test())

    def test_heartbeats_go_out_while_the_program_does_something_else(self) -> None:
        async def test() -> None:
            options = replace(PATIENT, keep_alive=1.0, reconnect_for=0.0)
            async with await self.connect(options=options) as desk:
                await asyncio.sleep(4.5)
                self.assertIsInstance(await desk.submit(order(1)), OrderAccepted)

        self.run_with(test())

    def test_what_the_program_closed_says_so(self) -> None:
        async def test() -> None:
            desk = await self.connect()
            await desk.close()
            with self.assertRaisesRegex(Exception, "closed by the program"):
                await desk.recv()
                while True:
                    await desk.recv()

        self.run_with(test())


Kind = TypeVar("Kind", bound=Message)


async def wait_for(client: AsyncClient, kind: type[Kind]) -> Kind:
    """The next message of a kind."""
    async for message in client:
        if isinstance(message, kind):
            return message
    raise AssertionError("the client ended")


def smaller(qty: Decimal) -> SetLimit:
    """MaxOrderQty of account 4."""
    return SetLimit(
        value=int(qty.scaleb(8)),
        scope=Scope.ACCOUNT,
        scope_id=4,
        limit_kind=LimitKind.MAX_ORDER_QTY,
        selector=Selector.ALL,
        unit=Unit.NATURAL,
        mode=LimitMode.ENFORCED,
        reason="smaller, please",
    )


if __name__ == "__main__":
    unittest.main()
