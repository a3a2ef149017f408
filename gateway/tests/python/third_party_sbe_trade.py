"""The PyPI package `sbe`, fed only the published schema, trades against a real server.

It knows nothing of the Rust code and nothing of the Python client: the XML gives the messages, the guide
(docs/protocol.md) says the four bytes before each, what is signed, and who answers what. Desk 2 of the
example firm logs on, has an order accepted and one rejected, and ends the session in an orderly way.

Usage: third_party_sbe_trade.py SCHEMA HOST:PORT KEYFILE. Exit code 0 when all of it happened, 77 when a
package is not installed.
"""

import socket
import sys

from published import framed, length_of, read_schema, sbe

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
except ImportError as error:
    print(f"skipped: {error}; pip install cryptography")
    sys.exit(77)


class Line:
    """A connection that carries SBE messages, each behind its length and the marker."""

    def __init__(self, schema_path, address):
        host, port = address.rsplit(":", 1)
        self.schema, self.by_name = read_schema(schema_path)
        self.socket = socket.create_connection((host, int(port)), timeout=20)

    def encode(self, name, **fields):
        """The SBE message; what is not given is zero, empty or null, as the field's type allows."""
        values = {}
        for field in self.by_name[name].fields:
            if field.name in fields:
                values[field.name] = fields.pop(field.name)
            elif isinstance(field.type, sbe.Type) and field.type.primitiveType == sbe.PrimitiveType.CHAR:
                values[field.name] = ""
            elif isinstance(field.type, sbe.Enum) or field.type.nullValue is not None:
                values[field.name] = None
            else:
                values[field.name] = 0
        assert not fields, f"{name} has no {list(fields)}"
        return self.schema.encode(self.by_name[name], values)

    def send(self, message):
        self.socket.sendall(framed(message))

    def read(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                raise SystemExit("the server closed the connection")
            data += more
        return data

    def receive(self, *wanted):
        """The next message of one of these names, and its fields; heartbeats are passed over."""
        while True:
            decoded = self.schema.decode(self.read(length_of(self.read(4)) - 4))
            if decoded.message_name == "Heartbeat":
                continue
            assert decoded.message_name in wanted, f"{decoded.message_name}: {decoded.value}"
            return decoded.message_name, decoded.value


def log_on(line, key):
    _, hello = line.receive("Hello")
    fields = {
        "sessionId": 2,
        "nextExpectedSeqNo": 1,
        "keepAliveMs": 5000,
        "codMode": "Off",
        "role": "Desk",
        "appName": "third-party",
        "appVersion": "0.4.3",
        "keyId": 1,
    }
    root = line.encode("Logon", **fields)[8:]
    pad = lambda text, size: text.encode().ljust(size, b"\0")
    signed = b"portcullis-logon-v1" + pad(hello["instance"], 16) + pad(hello["challenge"], 32) + root[:60]
    line.send(line.encode("Logon", **fields, signature=key.sign(signed).hex()))
    _, ack = line.receive("LogonAck")
    line.receive("ReplayComplete")
    return ack


def order(line, seq_no, price):
    line.send(
        line.encode(
            "NewOrder",
            seqNo=seq_no,
            clOrdId=seq_no,
            price=round(price * 10**8),
            qty=10 * 10**8,
            account=4,
            instrumentId=1,
            traderId=3,
            side="Buy",
            ordType="Limit",
            tif="Day",
            capacity="Principal",
        )
    )
    return line.receive("OrderAccepted", "OrderRejected")


def main(schema_path, address, key_path):
    with open(key_path, encoding="ascii") as file:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip()))
    line = Line(schema_path, address)
    ack = log_on(line, key)
    assert (ack["sessionId"], ack["lastAppliedSeqNo"], ack["replayCount"]) == (2, 0, 0), ack

    name, accepted = order(line, 1, 585)
    assert (name, accepted["clOrdId"], accepted["seqNo"]) == ("OrderAccepted", 1, 1), accepted
    assert accepted["orderId"] == accepted["engineSeq"], accepted
    name, rejected = order(line, 2, 700)
    assert (name, rejected["code"], rejected["limitKind"]) == ("OrderRejected", 207, "PriceCollar")
    assert (rejected["limitScope"], rejected["scopeId"], rejected["limitValue"]) == ("Account", 4, 500)

    line.send(line.encode("Terminate", lastAppliedSeqNo=2, nextSeqNo=3))
    _, goodbye = line.receive("Terminate")
    assert (goodbye["code"], goodbye["lastAppliedSeqNo"], goodbye["nextSeqNo"]) == (0, 2, 3), goodbye
    print("logged on, one order accepted, one rejected, terminated in order")


if __name__ == "__main__":
    main(*sys.argv[1:])
