"""A server that passes requests on to another one, byte for byte but for the connection that they come by."""

import http.client
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

#: Headers that belong to one connection.
_HOPS = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "proxy-connection"}


class Answer(NamedTuple):
    """What a server answers: its status, its headers, and what it sends."""

    status: int
    headers: dict[str, str]
    content: bytes


class Passing(BaseHTTPRequestHandler):
    """Passes requests on; whoever does more with them says so in `handle_request`.

    Attributes:
        endpoint: of the server that they are passed on to, ``http://…``.
    """

    endpoint: str
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True  # else an answer of two packets waits for the client to acknowledge the first

    def handle_request(self) -> None:
        """Answer as the other server does."""
        self.answer(self.asked(self.command, self.path, self.headers, self.body()))

    def do_any(self) -> None:
        """Every verb is handled alike."""
        self.handle_request()

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = do_any  # noqa: N815  names of the library

    def body(self) -> bytes:
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

    def asked(self, verb: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """What the other server answers to a request."""
        connection = http.client.HTTPConnection(urlsplit(self.endpoint).netloc, timeout=60)
        try:
            connection.putrequest(verb, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in (*_HOPS, "content-length", "expect"):
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            answer = connection.getresponse()
            content = answer.read()
            size = answer.getheader("Content-Length") if verb == "HEAD" else None
            told = {name: value for name, value in answer.getheaders() if name.lower() not in _HOPS}
            told = {name: value for name, value in told.items() if name.lower() not in ("content-length", "date")}
            return Answer(answer.status, {**told, **({"Content-Length": size} if size is not None else {})}, content)
        finally:
            connection.close()

    def answer(self, answer: Answer) -> None:
        """Send an answer to the client."""
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() != "server":
                self.send_header(name, value)
        if "Content-Length" not in answer.headers and answer.status != 204:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


class _Server(ThreadingHTTPServer):
    """Serves each connection in a thread; as many may ask at once as tests let ask."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Clients that were killed leave connections that are cut: nothing is printed."""


@contextmanager
def passing_on(handler: type[Passing], **given: Any) -> Iterator[str]:
    """Start a server that passes requests on.

    Args:
        handler: what is done to each.
        given: what every handler has, the ``endpoint`` of the other server among them.

    Yields:
        The address at which it listens.
    """
    server = _Server(("127.0.0.1", 0), type("Handler", (handler,), given))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
