"""The session without I/O, against a server that the test plays itself."""

from __future__ import annotations

import unittest
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from support import order

from portcullis import (
    Credentials,
    GapError,
    InstanceError,
    LineBrokenError,
    LogonRejectedError,
    Message,
    Options,
    Role,
    Session,
    SilentError,
    TerminatedError,
    WrongEpochError,
)
from portcullis.codec import FrameReader, decode, encode
from portcullis.messages import (
    POSS_DUP,
    REPLY_REQUESTED,
    Heartbeat,
    Hello,
    LimitKind,
    Logon,
    LogonAck,
    LogonReject,
    NewOrder,
    OrderAccepted,
    RejectCode,
    Scope,
    Terminate,
)
from portcullis.session import Phase

HELLO = Hello(min_version=0, max_version=0, epoch=3, challenge="c" * 32, instance="example")


def ack(applied: int = 0, next_seq_no: int = 1, **more: Any) -> LogonAck:
    return LogonAck(
        session_id=1,
        epoch=3,
        next_seq_no=next_seq_no,
        last_applied_seq_no=applied,
        keep_alive_ms=1000,
        **more,
    )


def accepted(seq_no: int, flags: int = 0) -> OrderAccepted:
    return OrderAccepted(
        flags=flags,
        seq_no=seq_no,
        cl_ord_id=seq_no,
        util_limit_kind=LimitKind.MAX_LONG,
        util_scope=Scope.FIRM,
    )


class Peer:
    """A session and the test's end of its line."""

    def __init__(self, options: Options | None = None) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        self.session = Session(Credentials(1, Role.DESK, key, "example"), options)
        self.now = 100.0

    def connect(self, answer: Message | None = None, hello: Hello = HELLO) -> list[Message]:
        self.session.connection_made(self.now)
        self.say(hello)
        sent = self.sent()
        if answer is not None:
            self.say(answer)
        return sent

    def say(self, *messages: Message) -> None:
        self.session.receive(b"".join(map(encode, messages)), self.now)

    def heard(self) -> list[Message]:
        found = []
        while (message := self.session.next_message()) is not None:
            found.append(message)
        return found

    def sent(self) -> list[Message]:
        reader, found = FrameReader(), []
        reader.feed(self.session.take_output())
        while (frame := reader.next_frame()) is not None:
            message = decode(frame)
            assert message is not None
            found.append(message)
        return found


class LoggingOn(unittest.TestCase):
    def test_the_logon_asks_for_what_the_options_say(self) -> None:
        peer = Peer(Options(next_expected=7, epoch=3, keep_alive=2.5))
        [logon] = peer.connect()
        assert isinstance(logon, Logon)
        asked = (logon.session_id, logon.epoch, logon.next_expected_seq_no, logon.keep_alive_ms)
        self.assertEqual(asked, (1, 3, 7, 2500))
        self.assertEqual(len(logon.signature), 128)

    def test_a_server_with_another_name_is_signed_nothing(self) -> None:
        peer = Peer()
        self.assertEqual(
            peer.connect(hello=Hello(instance="rogue", challenge="c" * 32, epoch=1)), []
        )
        with self.assertRaises(InstanceError):
            peer.heard()

    def test_a_refused_logon_says_why_and_when_to_try_again(self) -> None:
        peer = Peer()
        code = RejectCode.ALREADY_LOGGED_ON
        peer.connect(LogonReject(session_id=1, code=code, next_seq_no=4, retry_after_ms=1500))
        with self.assertRaisesRegex(LogonRejectedError, "ALREADY_LOGGED_ON.*1.5 s") as caught:
            peer.heard()
        self.assertEqual(caught.exception.retry_after, 1.5)

    def test_nothing_is_sent_before_the_numbers_are_known(self) -> None:
        with self.assertRaises(LineBrokenError):
            Peer().session.send(order(1))


class Numbers(unittest.TestCase):
    def test_requests_are_numbered_from_what_the_server_has_applied(self) -> None:
        peer = Peer()
        peer.connect(ack(applied=41))
        self.assertEqual([peer.session.send(order(n)) for n in (1, 2)], [42, 43])
        self.assertEqual([m.seq_no for m in peer.sent() if isinstance(m, NewOrder)], [42, 43])

    def test_each_reply_is_handed_out_once_and_in_order(self) -> None:
        peer = Peer()
        peer.connect(ack(next_seq_no=5))
        peer.say(accepted(5), accepted(5, POSS_DUP), accepted(4, POSS_DUP), accepted(6))
        numbers = [m.seq_no for m in peer.heard() if isinstance(m, OrderAccepted)]
        self.assertEqual(numbers, [5, 6])

    def test_a_gap_ends_the_connection_after_what_came_before_it(self) -> None:
        peer = Peer()
        peer.connect(ack(next_seq_no=5))
        peer.say(accepted(5), accepted(7))
        self.assertIsInstance(peer.session.next_message(), LogonAck)
        self.assertEqual(peer.session.next_message(), accepted(5))
        with self.assertRaises(GapError):
            peer.session.next_message()
        self.assertEqual(peer.session.next_expected, 6)

    def test_after_a_broken_line_only_what_was_not_applied_is_sent_again(self) -> None:
        peer = Peer()
        peer.connect(ack())
        for n in (1, 2, 3, 4):
            peer.session.send(order(n))
        peer.say(Heartbeat(next_seq_no=1, last_applied_seq_no=1))
        peer.heard()
        peer.session.connection_lost()
        # Numbered while there is no line.
        self.assertEqual(peer.session.send(order(5)), 5)
        [logon] = peer.connect(ack(applied=2, next_seq_no=3))
        assert isinstance(logon, Logon)
        self.assertEqual((logon.epoch, logon.next_expected_seq_no), (3, 1))
        again = [m for m in peer.sent() if isinstance(m, NewOrder)]
        self.assertEqual([(m.seq_no, m.cl_ord_id) for m in again], [(3, 3), (4, 4), (5, 5)])
        self.assertTrue(all(m.flags & POSS_DUP for m in again))

    def test_after_a_wrong_epoch_nothing_is_sent_again_unless_it_is_accepted(self) -> None:
        peer = Peer()
        peer.connect(ack())
        peer.session.send(order(1))
        peer.session.connection_lost()
        refusal = LogonReject(session_id=1, epoch=4, code=RejectCode.WRONG_EPOCH, next_seq_no=1)
        peer.connect(refusal)
        with self.assertRaises(WrongEpochError) as caught:
            peer.heard()
        given_up = peer.session.accept_epoch(caught.exception)
        self.assertEqual([request.seq_no for request in given_up], [1])
        [logon] = peer.connect(ack())
        assert isinstance(logon, Logon)
        self.assertEqual(logon.epoch, 4)
        self.assertEqual(peer.sent(), [])
        self.assertEqual(peer.session.send(order(2)), 1)


class Time(unittest.TestCase):
    def test_a_heartbeat_goes_out_every_interval_and_one_that_is_asked_for_at_once(self) -> None:
        peer = Peer()
        peer.connect(ack())
        peer.session.tick(peer.now + 0.9)
        self.assertEqual(peer.sent(), [])
        peer.now += 1.0
        peer.session.tick(peer.now)
        [beat] = peer.sent()
        assert isinstance(beat, Heartbeat)
        self.assertEqual((beat.flags, beat.echo_time), (0, 0))
        peer.say(Heartbeat(flags=REPLY_REQUESTED, next_seq_no=1, send_time=77))
        peer.session.tick(peer.now)
        [beat] = peer.sent()
        assert isinstance(beat, Heartbeat)
        self.assertEqual(beat.echo_time, 77)

    def test_silence_is_asked_about_after_two_intervals_and_ends_the_line_after_three(self) -> None:
        peer = Peer()
        peer.connect(ack())
        for beat, flags in ((1.0, 0), (2.0, REPLY_REQUESTED)):
            peer.session.tick(peer.now + beat)
            peer.session.check_silence(peer.now + beat)
            [message] = peer.sent()
            assert isinstance(message, Heartbeat)
            self.assertEqual(message.flags, flags)
        with self.assertRaises(SilentError):
            peer.session.check_silence(peer.now + 3.0)

    def test_terminate_says_why_and_the_session_can_be_taken_up(self) -> None:
        peer = Peer()
        peer.connect(ack())
        peer.say(Terminate(code=RejectCode.THROTTLED, last_applied_seq_no=0, next_seq_no=1))
        with self.assertRaisesRegex(TerminatedError, "THROTTLED"):
            peer.heard()
        self.assertIs(peer.session.phase, Phase.DISCONNECTED)
        peer.connect(ack())
        self.assertTrue(peer.session.is_up)


if __name__ == "__main__":
    unittest.main()
