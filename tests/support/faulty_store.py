"""A proxy between clients and an object store, which does to their requests what networks and stores do to them.

It passes requests through, byte for byte but for the connection they come by, and counts them. What is armed in it
strikes requests of a kind: they are refused as a store refuses that is asked too much, do not reach the store, or their
answers do not come back; or the process that asks is killed. So every client meets the fault on the wire, whatever its
language.
"""

import os
import re
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

from passing_on import Answer, Passing, passing_on

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
#: What a listing says it holds.
_HELD = re.compile(rb"<(Contents|CommonPrefixes|Blob|BlobPrefix)>.*?</\1>", re.DOTALL)
#: Requests of HDFS's protocol that change something.
_CHANGING = {"create", "mkdirs", "delete", "rename2", "addBlock", "fsync", "complete"}


def concerns(kind: str, verb: str, path: str) -> bool:
    """Whether a kind of fault can strike a request."""
    if "listing" in kind:
        return is_listing(verb, path) or verb == "getListing"
    return kind != "safe-mode" or verb in _CHANGING


@dataclass
class Strike:
    """A fault that waits for its requests.

    Attributes:
        kind: see `KINDS`.
        verb: of the requests, such as PUT, or rename2 of HDFS; empty: any.
        path: what is in their path, or in what they ask for, as it reads decoded; a regular expression.
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
        fits = (not self.verb or verb == self.verb) and re.search(self.path, unquote(path)) is not None
        if not fits or self.times == 0 or not concerns(self.kind, verb, path):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


def is_listing(verb: str, path: str) -> bool:
    """Whether a request asks what is in a folder, as S3 and Google are asked, or Azure."""
    return verb == "GET" and ("list-type=" in path or "comp=list" in path)


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
    with passing_on(_Striking, endpoint=endpoint, store=store) as address:
        yield store, address


class _Striking(Passing):
    """Passes requests on; each connection has one of its own to the store."""

    store: FaultyStore

    def handle_request(self) -> None:
        body = self.body()
        kind = self.store.kind_of(self.command, self.path)
        if kind == "kill":
            self._kill()
        if kind in ("failed", "kill"):
            self.close_connection = True
        elif kind in ("slow-down", "too-many", "lost-listing"):
            status, code = {"slow-down": (503, "SlowDown"), "too-many": (429, "TooManyRequests")}.get(
                kind, (500, "InternalError")
            )
            self.answer(Answer(status, {"Content-Type": "application/xml"}, _XML.format(code).encode()))
        else:
            answer = self.asked(self.command, self.path, self.headers, body)
            if kind == "kill-after":
                self._kill()
            if kind == "empty-listing":
                answer = answer._replace(content=_HELD.sub(b"", answer.content))
            if kind in ("lost", "kill-after"):
                self.close_connection = True
            else:
                self.answer(answer)

    def _kill(self) -> None:
        if self.store.client is not None:
            with suppress(ProcessLookupError):
                os.kill(self.store.client, signal.SIGKILL)
