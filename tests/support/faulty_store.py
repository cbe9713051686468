"""A proxy between clients and an object store, which does to their requests what networks and stores do to them.

It passes requests through, byte for byte but for the connection they come by, and counts them. What is armed in it
strikes requests of a kind: they are refused as a store refuses that is asked too much, do not reach the store, or their
answers do not come back; or the process that asks is killed. So every client meets the fault on the wire, whatever its
language.
"""

import http.client
import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

#: Kinds of faults, and what the client sees.
KINDS = {
    "failed": "the request does not reach the store, and the connection is cut",
    "lost": "the store does what it was asked, and the connection is cut before the answer",
    "slow-down": "503, with the code SlowDown",
    "too-many": "429",
    "lost-listing": "500, and no listing; other requests are let through",
    "empty-listing": "a listing tells of nothing",
    "kill": "the client's process is killed, and the request does not reach the store",
    "kill-after": "the store does what it was asked, and the client's process is killed before the answer",
    "safe-mode": "of HDFS: the name node lets nothing be changed",
    "standby": "of HDFS: the name node is not the active one",
    "gone": "of HDFS: the connection is cut, and the name node takes none for a while; for ever, if all are struck",
}
_XML = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{0}</Code><Message>{0}</Message></Error>'
#: Headers that belong to one connection.
_HOPS = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}
#: What a listing says it holds.
_HELD = re.compile(rb"<(Contents|CommonPrefixes)>.*?</\1>", re.DOTALL)
#: Requests of HDFS's protocol that change something.
_CHANGING = {"create", "mkdirs", "delete", "rename2", "addBlock", "fsync", "complete"}


def concerns(kind: str, verb: str, path: str) -> bool:
    """Whether a kind of fault can strike a request."""
    if "listing" in kind:
        return (verb == "GET" and "list-type" in path) or verb == "getListing"
    return kind != "safe-mode" or verb in _CHANGING


@dataclass
class Strike:
    """A fault that waits for its requests.

    Attributes:
        kind: see `KINDS`.
        verb: of the requests, such as PUT, or rename2 of HDFS; empty: any.
        path: what is in their path, or in what they ask for; a regular expression.
        times: how many more of them are struck; below 0: all.
        after: how many of them are let through first.
    """

    kind: str
    verb: str = ""
    path: str = ""
    times: int = 1
    after: int = 0

    def takes(self, verb: str, path: str) -> bool:
        """Whether a request is struck; it counts."""
        fits = (not self.verb or verb == self.verb) and re.search(self.path, path) is not None
        if not fits or self.times == 0 or not concerns(self.kind, verb, path):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


@dataclass
class FaultyStore:
    """The proxy.

    Attributes:
        endpoint: of the store itself.
        strikes: what is armed.
        requests: those that came, (verb, path and query) in order.
        struck: kinds of faults that happened → how many.
        client: the process that is killed where one is to be.
    """

    endpoint: str
    strikes: list[Strike] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    client: int | None = None
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, *strikes: Strike) -> None:
        """Arm faults in the place of those that were armed."""
        with self._turn:
            self.strikes[:] = strikes

    def kind_of(self, verb: str, path: str) -> str | None:
        """The fault that strikes a request, if one does."""
        with self._turn:
            self.requests.append((verb, path))
            kind = next((one.kind for one in self.strikes if one.takes(verb, path)), None)
            if kind is not None:
                self.struck[kind] += 1
            return kind


@contextmanager
def faulty_store(endpoint: str) -> Iterator[tuple[FaultyStore, str]]:
    """Start a proxy before a store.

    Args:
        endpoint: of the store, ``http://…``.

    Yields:
        The proxy, and the address at which it listens.
    """
    store = FaultyStore(endpoint)
    handler = type("Handler", (_Handler,), {"store": store})
    server = _Server(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield store, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Serves each connection in a thread."""

    def handle_error(self, *_: object) -> None:
        """Clients that were killed leave connections that are cut: nothing is printed."""


class _Handler(BaseHTTPRequestHandler):
    """Passes requests on; each connection has one of its own to the store."""

    store: FaultyStore
    protocol_version = "HTTP/1.1"
    timeout = 60

    def _pass(self) -> None:
        body = self._body()
        kind = self.store.kind_of(self.command, self.path)
        if kind == "kill":
            self._kill()
        if kind in ("failed", "kill"):
            self.close_connection = True
        elif kind in ("slow-down", "too-many", "lost-listing"):
            status, code = {"slow-down": (503, "SlowDown"), "too-many": (429, "TooManyRequests")}.get(
                kind, (500, "InternalError")
            )
            self._answer(status, {"Content-Type": "application/xml"}, _XML.format(code).encode())
        else:
            status, headers, answer = self._asked(body)
            if kind == "kill-after":
                self._kill()
            if kind == "empty-listing":
                answer = _HELD.sub(b"", answer)
            if kind in ("lost", "kill-after"):
                self.close_connection = True
            else:
                self._answer(status, headers, answer)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass  # noqa: N815  names of the library

    def _kill(self) -> None:
        if self.store.client is not None:
            with suppress(ProcessLookupError):
                os.kill(self.store.client, signal.SIGKILL)

    def _body(self) -> bytes:
        """What the client sends."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """What the store answers."""
        connection = http.client.HTTPConnection(urlsplit(self.store.endpoint).netloc, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in (*_HOPS, "content-length", "expect"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
            size = answer.getheader("Content-Length") if self.command == "HEAD" else None
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOPS}
            headers = {name: value for name, value in headers.items() if name.lower() not in ("content-length", "date")}
            return answer.status, {**headers, **({"Content-Length": size} if size is not None else {})}, content
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() != "server":
                self.send_header(name, value)
        if "Content-Length" not in headers and status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""
