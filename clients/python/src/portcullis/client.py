"""The blocking face: one session over a socket, for programs and scripts without an event loop."""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from types import TracebackType

from portcullis.answers import ORDERS, Decision, Expected, Patience, with_request_id
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


def split_address(address: str | tuple[str, int]) -> tuple[str, int]:
    """`127.0.0.1:7201`, `[::1]:7201` or a pair, as a pair."""
    if isinstance(address, tuple):
        return address
    host, colon, port = address.strip().rpartition(":")
    if not colon or not port.isdigit():
        raise ValueError(f"{address!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


class Client:
    """One session with a server.

    Heartbeats go out while recv(), send() or one of the asking calls runs: a program that calls none of
    them for three intervals loses its connection, and has it taken up again by the next call.

        with Client.connect("127.0.0.1:7201", credentials) as client:
            answer = client.submit(NewOrder(...))

    When the line breaks, the calls take the session up again by themselves for as long as
    Options.reconnect_for says; recv() then hands out a LogonAck. A WrongEpochError is never swallowed.
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
        self._socket: socket.socket | None = None
        self._aside: deque[Message] = deque()

    @classmethod
    def connect(
        cls,
        address: str | tuple[str, int],
        credentials: Credentials,
        options: Options | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Client:
        """Connects and logs on, once. Raises what failed."""
        client = cls(address, Session(credentials, options), tls)
        client.reconnect()
        return client

    def reconnect(self) -> LogonAck:
        """Takes up the session on a new connection, once.

        Asks for every reply not yet handed out, and sends again what the server has not applied.
        """
        self._drop()
        session, timeout = self.session, self.session.options.timeout
        plain = socket.create_connection(self.address, timeout=timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if self._tls is not None:
            self._socket = self._tls.wrap_socket(plain, server_hostname=self.address[0])
        now = time.monotonic()
        session.connection_made(now)
        deadline = now + timeout
        try:
            while True:
                message = session.next_message()
                if isinstance(message, LogonAck):
                    self._write()
                    return message
                if message is not None:
                    self._aside.append(message)
                elif not self._read(deadline) and time.monotonic() >= deadline:
                    raise NoAnswerError(f"no answer to the logon within {timeout} s")
        except Exception:
            self._drop()
            raise

    def send(self, request: Request) -> int:
        """Numbers a request and sends it; returns its number.

        It returns as soon as the request has its number: if the line is broken it is sent by the call
        that takes the session up. Raises ValueRangeError if it can't be said on the wire.
        """
        seq_no = self.session.send(request)
        try:
            self._write()
        except OSError:
            self._drop()
        return seq_no

    def recv(self, timeout: float | None = None) -> Message | None:
        """The next message, waiting for at most `timeout` seconds (None: without end); None if none came.

        Replies come each exactly once and in order; besides them Heartbeat, ReplayComplete, and LogonAck
        where the session was taken up again.
        """
        if self._aside:
            return self._aside.popleft()
        return self._next(None if timeout is None else time.monotonic() + timeout)

    def submit(self, order: NewOrder | ReplaceOrder | CancelOrder) -> Decision:
        """Sends an order request and waits for its one answer: OrderAccepted or OrderRejected.

        With WHAT_IF in its flags nothing is reserved and nothing sent to a venue. Other messages that
        come meanwhile are handed out by the next calls of recv(). Raises RejectedError if the server
        could not take the message as it is, NoAnswerError if no answer came in time.
        """
        if not isinstance(order, ORDERS):
            raise TypeError(f"{type(order).__name__} is not an order request")
        answer = self._ask(order, [])
        assert isinstance(answer, (OrderAccepted, OrderRejected))
        return answer

    def mass_cancel(self, request: MassCancel) -> MassCancelReport:
        """Asks for the cancel of all orders that match and waits for the first report."""
        answer = self._ask(request, [])
        assert isinstance(answer, MassCancelReport)
        return answer

    def command(self, request: Request) -> AdminAck:
        """Sends a risk or operations message and waits for its AdminAck, whose code says what became of it.

        The request_id is chosen here.
        """
        answer = self._ask(with_request_id(request, self.session.next_seq_no), [])
        assert isinstance(answer, AdminAck)
        return answer

    def query(self, query: Query) -> list[Report]:
        """Every report of every page. Raises RejectedError if the query is refused."""
        reports: list[Report] = []
        while True:
            request = with_request_id(query, self.session.next_seq_no)
            ack = self._ask(request, reports)
            assert isinstance(ack, AdminAck)
            if ack.code != 0:
                raise RejectedError("query", ack.code)
            if ack.cursor == 0:
                return reports
            query = query.changed(cursor=ack.cursor)

    def close(self) -> None:
        """Ends the connection in an orderly way; the session can be taken up again later."""
        if self._socket is not None:
            try:
                self.session.terminate()
                self._write()
                self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        self._drop()

    def fileno(self) -> int:
        """The socket's, to wait for it with select; reading or writing it breaks the session."""
        return -1 if self._socket is None else self._socket.fileno()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- beneath ---

    def _ask(self, request: Request, reports: list[Report]) -> Message:
        timeout = self.session.options.timeout
        deadline = time.monotonic() + timeout
        expected = Expected(request, self.send(request))
        while (message := self._next(deadline)) is not None:
            if expected.collects(message):
                continue
            answer = expected.take(message)
            if answer is not None:
                reports.extend(expected.reports)
                return answer
            self._aside.append(message)
        raise NoAnswerError(f"no answer to message {expected.seq_no} within {timeout} s")

    def _next(self, deadline: float | None) -> Message | None:
        while True:
            try:
                message = self.session.next_message()
                if message is not None:
                    return message
                if self._socket is None:
                    raise ClosedError("the connection is broken")
                if not self._read(deadline) and deadline is not None:
                    if time.monotonic() >= deadline:
                        return None
            except (OSError, PortcullisError) as error:
                self._resume(error)

    def _resume(self, cause: Exception) -> None:
        self._drop()
        patience = Patience(time.monotonic() + self.session.options.reconnect_for)
        error = cause
        while (pause := patience.pause_after(error, time.monotonic())) is not None:
            time.sleep(pause)
            try:
                self._aside.append(self.reconnect())
                return
            except (OSError, PortcullisError) as again:
                error = again
        raise error

    def _write(self) -> None:
        if self._socket is not None and (out := self.session.take_output()):
            self._socket.settimeout(self.session.options.timeout)
            self._socket.sendall(out)

    def _read(self, deadline: float | None) -> bool:
        """Reads once, until the deadline or the next heartbeat is due; whether anything came."""
        assert self._socket is not None
        now = time.monotonic()
        self.session.tick(now)
        self._write()
        until = self.session.next_tick()
        if deadline is not None:
            until = min(until, deadline)
        # A timeout of zero would mean a socket that does not block.
        self._socket.settimeout(max(until - now, 0.0001))
        try:
            data = self._socket.recv(_READ)
        except (TimeoutError, ssl.SSLWantReadError):
            self.session.check_silence(time.monotonic())
            return False
        if not data:
            raise ClosedError("the server closed the connection")
        self.session.receive(data, time.monotonic())
        return True

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self.session.phase is not Phase.DISCONNECTED:
            self.session.connection_lost()
