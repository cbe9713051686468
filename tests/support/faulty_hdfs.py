"""A proxy between clients and a name node of HDFS, which does to their requests what networks and name nodes do.

It passes requests through, byte for byte, and knows the requests of Hadoop's protocol and the answers that belong to
them, so it strikes a request of a given name: before the name node has it, or after the name node has done what it was
asked, when the answer is to come back. So every client meets the fault on the wire, whatever its language. What is
written to data nodes, and read of them, goes past it: it is decided by requests to the name node what is a file.
"""

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from faulty_store import FaultyStore

#: Bytes with which a connection begins: "hrpc", a version, a class of service, a way to be let in.
_BEGIN = 7
#: What a name node says that refuses: kinds of faults → class of the error.
_REFUSALS = {
    "safe-mode": "org.apache.hadoop.hdfs.server.namenode.SafeModeException",
    "standby": "org.apache.hadoop.ipc.StandbyException",
    "lost-listing": "java.io.IOException",
}
#: Seconds for which a name node is gone that comes back.
_AWAY = 0.5


@contextmanager
def faulty_hdfs(address: str) -> Iterator[tuple[FaultyStore, str]]:
    """Start a proxy before a name node.

    Args:
        address: of the name node, ``hdfs://HOST:PORT``.

    Yields:
        The proxy, and the address at which it listens.
    """
    store, listening = FaultyStore(address), socket.create_server(("127.0.0.1", 0))
    away = _Away()
    threading.Thread(target=_serve, args=(store, listening, away), daemon=True).start()
    try:
        yield store, f"hdfs://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


@dataclass
class _Away:
    """Until when the name node is gone, in seconds of the clock; and what was armed when it went."""

    end: float = 0.0
    armed: list[object] = field(default_factory=list)

    def is_now(self, store: FaultyStore) -> bool:
        """Whether it is gone; it is back once something else, or nothing, is armed."""
        return time.monotonic() < self.end and store.strikes == self.armed


def _serve(store: FaultyStore, listening: socket.socket, away: _Away) -> None:
    """Take connections, until nobody listens any more; each has one of its own to the name node."""
    host, _, port = store.endpoint.removeprefix("hdfs://").partition(":")
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        if away.is_now(store):
            client.close()
            continue
        try:
            server = socket.create_connection((host, int(port)), 60)
        except OSError:
            client.close()
            continue
        server.settimeout(None)
        connection = _Connection(store, away, client, server)
        for work in (connection.ask, connection.answer):
            threading.Thread(target=connection.until_cut, args=(work,), daemon=True).start()


@dataclass
class _Connection:
    """A connection of a client, and the one to the name node that belongs to it.

    Attributes:
        store: what is armed.
        away: whether the name node is gone.
        client, server: the two connections.
        struck: numbers of requests whose answers are struck → the kind of fault.
    """

    store: FaultyStore
    away: _Away
    client: socket.socket
    server: socket.socket
    struck: dict[int, str] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def until_cut(self, work: Callable[[], None]) -> None:
        """Work until one of the two connections is cut, then cut the other one."""
        with suppress(OSError, EOFError):
            work()
        for one in (self.client, self.server):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def ask(self) -> None:
        """Pass requests on."""
        self.server.sendall(_exactly(self.client, _BEGIN))
        while True:
            frame = _frame(self.client)
            number, verb, path = _request(frame)
            kind = self.store.kind_of(verb, path) if number >= 0 else None  # below 0: how the client is let in
            if kind == "kill":
                self._kill()
            if kind == "gone":
                self._go_away()
            if kind in ("failed", "kill", "gone"):
                return
            if kind in _REFUSALS:
                self._pass_back(_refusal(number, _REFUSALS[kind]))
                continue
            if kind is not None:
                self.struck[number] = kind
            self.server.sendall(struct.pack(">I", len(frame)) + frame)

    def answer(self) -> None:
        """Pass answers back."""
        while True:
            frame = _frame(self.server)
            kind = self.struck.pop(_answered(frame), None)
            if kind is not None:
                if kind == "kill-after":
                    self._kill()
                return
            if self.away.is_now(self.store):
                return
            self._pass_back(frame)

    def _go_away(self) -> None:
        """The name node is gone for a while; as long as this is armed, if all requests are struck."""
        lasts = any(one.kind == "gone" and one.times < 0 for one in self.store.strikes)
        self.away.armed = [*self.store.strikes]
        self.away.end = time.monotonic() + (3_600 if lasts else _AWAY)

    def _pass_back(self, frame: bytes) -> None:
        with self._turn:
            self.client.sendall(struct.pack(">I", len(frame)) + frame)

    def _kill(self) -> None:
        if self.store.client is not None:
            with suppress(ProcessLookupError):
                os.kill(self.store.client, signal.SIGKILL)


def _exactly(stream: socket.socket, size: int) -> bytes:
    """So many bytes of a connection."""
    content = bytearray()
    while len(content) < size:
        piece = stream.recv(size - len(content))
        if not piece:
            raise EOFError
        content += piece
    return bytes(content)


def _frame(stream: socket.socket) -> bytes:
    """A request, or an answer, without its length before it."""
    return _exactly(stream, struct.unpack(">I", _exactly(stream, 4))[0])


def _request(frame: bytes) -> tuple[int, str, str]:
    """The number of a request, its name, and the paths that it is about."""
    header, at = _delimited(frame, 0)
    zigzag = _fields(header).get(3, 0)
    assert isinstance(zigzag, int)
    number = (zigzag >> 1) ^ -(zigzag & 1)
    if number < 0:
        return number, "", ""
    about, at = _delimited(frame, at)
    given, _ = _delimited(frame, at)
    name = _fields(about).get(1, b"")
    texts = [value for value in _fields(given).values() if isinstance(value, bytes) and value.startswith(b"/")]
    assert isinstance(name, bytes)
    return number, name.decode(), " ".join(text.decode(errors="replace") for text in texts)


def _answered(frame: bytes) -> int:
    """The number of the request that an answer belongs to."""
    number = _fields(_delimited(frame, 0)[0]).get(1, -1)
    assert isinstance(number, int)
    return number


def _refusal(number: int, error: str) -> bytes:
    """The answer of a name node that refuses: an error, in the message's fields of Hadoop's protocol."""
    header = _field(1, number) + _field(2, 1) + _field(3, 9) + _field(4, error.encode()) + _field(5, error.encode())
    return _varint(len(header)) + header


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _read_varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (content[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not content[at - 1] & 128:
            return value, at


def _delimited(content: bytes, at: int) -> tuple[bytes, int]:
    """A message with its length before it, and where the next one begins."""
    size, at = _read_varint(content, at)
    return content[at : at + size], at + size


def _fields(message: bytes) -> dict[int, int | bytes]:
    """The fields of a message by number: whole numbers, and bytes."""
    found: dict[int, int | bytes] = {}
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        kind = key & 7
        if kind == 0:
            found[key >> 3], at = _read_varint(message, at)
        elif kind == 2:
            found[key >> 3], at = _delimited(message, at)
        else:
            at += 8 if kind == 1 else 4
    return found
