"""A showcase on this machine's own address, for browsers that open no files, or that run elsewhere behind a tunnel."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer

from synth_spark.errors import PublishError

_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def serve(html: str, port: int, say: Callable[[str], None]) -> None:
    """Serve a showcase on the loopback address, and nothing else, until interrupted.

    Args:
        html: the page.
        port: where; 0: any that is free.
        say: is called with the address.

    Raises:
        PublishError: the port cannot be had.
    """
    try:
        server = opened(html, port)
    except OSError as error:
        raise PublishError("--port", f"cannot be had ({error.strerror})", "choose another, or 0 for any") from None
    with server:
        say(f"http://127.0.0.1:{server.server_port}/ (Ctrl+C ends it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def opened(html: str, port: int) -> HTTPServer:
    """A server that knows one page; other names, hosts and methods are refused."""
    content = html.encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts = {f"{name}:{server.server_port}" for name in ("127.0.0.1", "localhost")}
            if self.path != "/" or self.headers.get("Host") not in hosts:  # another host's name: a rebound address
                self.send_error(404)
                return
            self.send_response(200)
            for name, value in _HEADERS.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing is logged: who looks at the terminal need not know what is looked at."""

    server = HTTPServer(("127.0.0.1", port), Page)
    return server
