"""The asyncio face: one session, any number of tasks that use it."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from types import TracebackType

from portcullis.answers import ORDERS, Decision, Expected, Patience, with_request_id
from portcullis.client import split_address
from portcullis.errors import ClosedError, NoAnswerError, PortcullisError, RejectedError
from portcullis.layout import Message, Request
from portcullis.messages import (
    AdminAck,
    CancelOrder,
    LogonAck,
    MassCancel,
    MassCancelReport,
    NewOrder,
    OrderAccepted,
    OrderRejected,
    Query,
    ReplaceOrder,
    Report,
)
from portcullis.session import Credentials, Options, Phase, Session

_READ = 64 * 1024
_INBOX = 10_000
"""Messages that wait for recv(); when there are more, nothing is read and the server waits."""


class AsyncClient:
    """One session with a server.

        async with await AsyncClient.connect("127.0.0.1:7201", credentials) as client:
            answer = await client.submit(NewOrder(...))
            async for message in client:
                ...

    A task in the background reads, sends heartbeats, and takes a broken session up again for as long as
    Options.reconnect_for says; recv() then hands out a LogonAck. What submit(), command() and the like
    return is not handed out again by recv().
    """

    def __init__(
        self,
        address: str | tuple[str, int],
        session: Session,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.address = split_address(address)
        self.session = session
        self._tls = tls
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._inbox: asyncio.Queue[Message | Exception] = asyncio.Queue(_INBOX)
        self._waiting: dict[int, tuple[Expected, asyncio.Future[Message]]] = {}
        self._keeper: asyncio.Task[None] | None = None
        self._over: Exception | None = None

    @classmethod
    async def connect(
        cls,
        address: str | tuple[str, int],
        credentials: Credentials,
        options: Options | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> AsyncClient:
        """Connects and logs on, once. Raises what failed."""
        client = cls(address, Session(credentials, options), tls)
        await client.reconnect()
        return client

    async def reconnect(self) -> LogonAck:
        """Takes up the session on a new connection, once; for use after it was given up or closed."""
        await self._stop_keeper()
        ack = await self._log_on()
        self._over = None
        self._keeper = asyncio.create_task(self._keep())
        return ack

    async def send(self, request: Request) -> int:
        """Numbers a request and sends it; returns its number.

        While the line is broken the request waits for the session to be taken up. Raises ValueRangeError
        if it can't be said on the wire.
        """
        seq_no = self.session.send(request)
        await self._write()
        return seq_no

    async def recv(self) -> Message:
        """The next message. Raises what ended the session for good."""
        if self._over is not None and self._inbox.empty():
            raise self._over
        message = await self._inbox.get()
        if isinstance(message, Exception):
            raise message
        return message

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            yield await self.recv()

    async def submit(self, order: NewOrder | ReplaceOrder | CancelOrder) -> Decision:
        """Sends an order request and waits for its one answer: OrderAccepted or OrderRejected.

        Raises RejectedError if the server could not take the message as it is, NoAnswerError if no answer
        came in time.
        """
        if not isinstance(order, ORDERS):
            raise TypeError(f"{type(order).__name__} is not an order request")
        answer, _ = await self._ask(order)
        assert isinstance(answer, (OrderAccepted, OrderRejected))
        return answer

    async def mass_cancel(self, request: MassCancel) -> MassCancelReport:
        """Asks for the cancel of all orders that match and waits for the first report."""
        answer, _ = await self._ask(request)
        assert isinstance(answer, MassCancelReport)
        return answer

    async def command(self, request: Request) -> AdminAck:
        """Sends a risk or operations message and waits for its AdminAck. The request_id is chosen here."""
        answer, _ = await self._ask(with_request_id(request, self.session.next_seq_no))
        assert isinstance(answer, AdminAck)
        return answer

    async def query(self, query: Query) -> list[Report]:
        """Every report of every page. Raises RejectedError if the query is refused."""
        reports: list[Report] = []
        while True:
            request = with_request_id(query, self.session.next_seq_no)
            ack, page = await self._ask(request)
            assert isinstance(ack, AdminAck)
            if ack.code != 0:
                raise RejectedError("query", ack.code)
            reports.extend(page)
            if ack.cursor == 0:
                return reports
            query = query.changed(cursor=ack.cursor)

    async def close(self) -> None:
        """Ends the connection in an orderly way; the session can be taken up again later."""
        if self.session.is_up:
            self.session.terminate()
            try:
                await self._write()
            except OSError:
                pass
        await self._stop_keeper()
        await self._give_up(ClosedError("closed by the program"))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    # --- beneath ---

    async def _ask(self, request: Request) -> tuple[Message, list[Report]]:
        if self._over is not None:
            raise self._over
        timeout = self.session.options.timeout
        # Nothing is awaited between the numbering and the entry: no answer can slip through.
        seq_no = self.session.send(request)
        expected = Expected(request, seq_no)
        answer: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[seq_no] = (expected, answer)
        try:
            await self._write()
            return await asyncio.wait_for(answer, timeout), expected.reports
        except asyncio.TimeoutError:
            raise NoAnswerError(f"no answer to message {seq_no} within {timeout} s") from None
        finally:
            del self._waiting[seq_no]

    async def _log_on(self) -> LogonAck:
        await self._drop()
        session, timeout = self.session, self.session.options.timeout
        host, port = self.address
        opening = asyncio.open_connection(host, port, ssl=self._tls)
        try:
            self._streams = await asyncio.wait_for(opening, timeout)
            session.connection_made(time.monotonic())
            return await asyncio.wait_for(self._logon_ack(), timeout)
        except asyncio.TimeoutError:
            await self._drop()
            raise NoAnswerError(f"no connection or no answer to the logon within {timeout} s") from None
        except BaseException:
            await self._drop()
            raise

    async def _logon_ack(self) -> LogonAck:
        while True:
            message = self.session.next_message()
            if isinstance(message, LogonAck):
                await self._write()
                return message
            if message is not None:
                await self._hand_out(message)
                continue
            await self._write()
            await self._read()

    async def _keep(self) -> None:
        """Reads and keeps the line alive until the session is over for good."""
        reader = beats = None
        while True:
            try:
                while (message := self.session.next_message()) is not None:
                    await self._hand_out(message)
                self.session.tick(time.monotonic())
                await self._write()
                beats = beats or asyncio.ensure_future(self._beat())
                reader = asyncio.ensure_future(self._read())
                await asyncio.wait({reader, beats}, return_when=asyncio.FIRST_COMPLETED)
                if beats.done():
                    beats.result()
                await reader
            except asyncio.CancelledError:
                for task in (reader, beats):
                    if task is not None:
                        task.cancel()
                raise
            except (OSError, PortcullisError) as error:
                for task in (reader, beats):
                    if task is not None:
                        task.cancel()
                reader = beats = None
                if not await self._resume(error):
                    return

    async def _resume(self, cause: Exception) -> bool:
        await self._drop()
        patience = Patience(time.monotonic() + self.session.options.reconnect_for)
        error = cause
        while (pause := patience.pause_after(error, time.monotonic())) is not None:
            await asyncio.sleep(pause)
            try:
                await self._hand_out(await self._log_on())
                return True
            except (OSError, PortcullisError) as again:
                error = again
        await self._give_up(error)
        return False

    async def _hand_out(self, message: Message) -> None:
        for expected, answer in list(self._waiting.values()):
            if expected.collects(message):
                return
            try:
                taken = expected.take(message)
            except RejectedError as error:
                if not answer.done():
                    answer.set_exception(error)
                return
            if taken is not None and not answer.done():
                answer.set_result(taken)
                return
        await self._inbox.put(message)

    async def _read(self) -> None:
        """Reads once."""
        assert self._streams is not None
        data = await self._streams[0].read(_READ)
        if not data:
            raise ClosedError("the server closed the connection")
        self.session.receive(data, time.monotonic())

    async def _beat(self) -> None:
        """Sends heartbeats; ends only by raising: SilentError, or what the writing raised."""
        while True:
            now = time.monotonic()
            self.session.tick(now)
            # What waits in the inbox for a slow program is not the server's silence.
            if not self._inbox.full():
                self.session.check_silence(now)
            await self._write()
            await asyncio.sleep(max(self.session.next_tick() - time.monotonic(), 0.01))

    async def _write(self) -> None:
        if self._streams is not None and (out := self.session.take_output()):
            writer = self._streams[1]
            try:
                writer.write(out)
                await writer.drain()
            except OSError:
                # The reading task finds the line broken as well, and sends this again.
                pass

    async def _give_up(self, error: Exception) -> None:
        await self._drop()
        self._over = error
        for _, answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
        if not self._inbox.full():
            self._inbox.put_nowait(error)

    async def _stop_keeper(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            try:
                await self._keeper
            except asyncio.CancelledError:
                pass
            self._keeper = None
        await self._drop()

    async def _drop(self) -> None:
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            try:
                await writer.wait_closed()
            except OSError:
                pass
        if self.session.phase is not Phase.DISCONNECTED:
            self.session.connection_lost()
