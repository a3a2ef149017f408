"""A real server as a child process, for the tests: PORTCULLIS_BIN names the binary."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from portcullis import Credentials, NewOrder, Options, Role, keys
from portcullis.messages import Capacity, OrdType, Side, TimeInForce
from decimal import Decimal

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("PORTCULLIS_BIN", "")

SESSIONS = {
    "desk1": (1, Role.DESK),
    "desk2": (2, Role.DESK),
    "venue1": (11, Role.VENUE),
    "risk": (21, Role.RISK),
    "ops": (22, Role.OPS),
}


class Server:
    """The example firm in a directory of its own."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self.data = Path(self._directory.name)
        self.address = "127.0.0.1:0"
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Starts the server, on the port that it had before if there was one."""
        log = open(self.data / "server.log", "a")
        with log:
            self._process = subprocess.Popen(
                [BINARY, "serve", "--data", str(self.data), "--listen", self.address, "--json"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError((self.data / "server.log").read_text())
        self.address = json.loads(line)["listening"][0]

    def kill(self) -> None:
        """SIGKILL: no time for anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server and removes its directory."""
        self._end(signal.SIGTERM)
        self._directory.cleanup()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def credentials(self, name: str) -> Credentials:
        session_id, role = SESSIONS[name]
        key = keys.load(self.data / "keys" / f"{name}.key")
        return Credentials(session_id, role, key, instance="example")


class LiveTest(unittest.TestCase):
    """A test with a server of its own."""

    def setUp(self) -> None:
        if not BINARY:
            self.skipTest("PORTCULLIS_BIN names no server binary")
        self.server = Server()
        self.addCleanup(self.server.stop)


def order(cl_ord_id: int, qty: str = "10", price: str = "585.33", flags: int = 0) -> NewOrder:
    """A buy of instrument 1 for account 4, as the sidecar desk 2 may send it."""
    return NewOrder(
        flags=flags,
        cl_ord_id=cl_ord_id,
        price=Decimal(price),
        qty=Decimal(qty),
        account=4,
        instrument_id=1,
        trader_id=3,
        side=Side.BUY,
        ord_type=OrdType.LIMIT,
        tif=TimeInForce.DAY,
        capacity=Capacity.PRINCIPAL,
    )


__all__ = ["LiveTest", "Options", "Server", "order", "ROOT"]
