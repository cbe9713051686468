"""A command's Python workers are forks of the command itself: what it has imported, they need not import again.

Spark starts a process, `daemon`, and forks its Python workers from it. Importing numpy, pandas, pyarrow, numba,
pyspark and the stages takes that process a second of a core, and the command has just imported them. So the command
forks once, before it does any work: that is the template. The process that Spark starts asks the template for a fork,
hands its standard streams and its environment over to it, and waits for it to end.

Object stores are asked by a library with threads of its own, which a fork loses: it would wait for them for ever. A
command that opens a store before its session is there forks its template just before that. Such a template imports what
workers need by itself, while the JVM starts. No template ever has opened a store; its forks do, each for itself.

A template holds nothing of its command but code. The command's files are exchanged for the null device, so that none
stays open; the template draws no random number, and was forked before its command has drawn one; and it ends when the
command does, however that ends.
"""

import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from synth_spark.runtime.imports import uncollected, unwarned

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Names, in the environment of Spark's tasks, the socket at which a template waits.
SOCKET = "SYNTH_SPARK_WORKERS"
_ASKED, _PREPARE, _TAKEN = b"?", b"p", b"+"
#: The ends of pipes that end templates when this process ends.
_ALIVE: list[int] = []
#: Where the template waits that was forked before a store was opened, until a session is told.
_DOORS: list[Path] = []


def fork_before_stores() -> None:
    """Have this process fork its template before it first opens a store, if it does so before its session is there.

    To be called when a command begins whose process is its own, before it has started a thread.
    """
    from synth_spark.plan.sources.stores.opening import before_first  # which the process that Spark starts does without

    before_first(_fork_early)


def prepare_template() -> None:
    """Have a template that was forked early import what workers need; to be called before the session is opened."""
    for door in _DOORS:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(door))
            client.sendall(_PREPARE)


def make_template(spark: "SparkSession") -> None:
    """Fork the template of this process's workers, and name it to the tasks of its session, if that is a local one.

    To be called once all is imported that tasks use, while no other thread imports anything, before any stage runs. A
    template that was forked before a store was opened is taken; a process that has opened a store forks none any more.
    """
    from synth_spark.plan.sources.stores.opening import before_first, has_opened
    from synth_spark.runtime.session import is_local, set_for_tasks

    if not is_local(spark):
        return
    if not _ALIVE and not has_opened() and sys.platform.startswith("linux"):
        _DOORS.append(_fork(soon=True))
    before_first(None)
    if _DOORS:
        set_for_tasks(spark, SOCKET, str(_DOORS.pop()))


def _fork_early() -> None:
    """Fork the template of a process that is about to open a store, unless it has threads or a template already."""
    if threading.active_count() == 1 and not _ALIVE and sys.platform.startswith("linux"):
        _DOORS.append(_fork(soon=False))


def _fork(soon: bool) -> Path:
    """Fork a template; where it waits.

    Args:
        soon: whether it imports at once what workers need; else it does once it is told to, or asked for a fork.
    """
    from synth_spark.plan.sources.stores.opening import before_first

    before_first(None)  # its forks open stores, and fork no template before that
    sys.stdout.flush()
    sys.stderr.flush()
    folder = Path(tempfile.mkdtemp(prefix="synth-spark-workers-"))  # for this user alone
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(folder / "door"))
        door.listen()
        ended, alive = os.pipe()
        with _connections_kept():
            if os.fork() == 0:
                _ends(partial(_wait, door, ended, folder, soon))
    os.close(ended)
    _ALIVE.append(alive)
    return folder / "door"


@contextmanager
def _connections_kept() -> Iterator[None]:
    """Connections to a JVM, where this process may have some, are let go by a fork without shutting them down."""
    if "py4j.clientserver" not in sys.modules:
        yield
        return
    from py4j.clientserver import ClientServerConnection

    with _not_closed(ClientServerConnection):
        yield


@contextmanager
def _not_closed(kind: Any) -> Iterator[None]:
    """Connections of a kind are let go without shutting them down.

    That is what a fork does with those of the threads that it does not have: they would be shut down for both.
    """
    close, kind.__del__ = kind.__del__, lambda _: None
    try:
        yield
    finally:
        kind.__del__ = close


def _wait(door: socket.socket, ended: int, folder: Path, soon: bool) -> None:
    """Be the template: fork for everyone who asks, until the process that made it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the command interrupts its template, too
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how forks ended
    _leave_files({door.fileno(), ended, 2})
    if soon:
        preload()
    while True:
        ready, _, _ = select.select([door.fileno(), ended], [], [])
        if ended in ready:
            return shutil.rmtree(folder, ignore_errors=True)
        client, _ = door.accept()
        if not soon:
            preload()
            soon = True
        if client.recv(1, socket.MSG_PEEK) == _ASKED and os.fork() == 0:
            door.close()
            os.close(ended)
            _ends(partial(_become, client))
        client.close()


def _ends(work: Callable[[], object]) -> NoReturn:
    """End this process, which is a fork, with the work; nothing that the command has still to do at its end is done."""
    code = 0
    try:
        work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def _leave_files(kept: set[int]) -> None:
    """Exchange all open files but some for the null device; their numbers stay taken."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in set(map(int, os.listdir("/proc/self/fd"))) - kept:
        os.dup2(null, number)


def _become(client: socket.socket) -> None:
    """Be the process that Spark starts for its workers, in place of the one at the other end."""
    _, streams, _, _ = socket.recv_fds(client, len(_ASKED), 3)
    with client.makefile() as words:
        asked = json.loads(words.readline())
    if asked["python"] != sys.executable:
        return
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv[:], sys.path[:] = asked["arguments"], asked["path"]
    client.sendall(_TAKEN)
    run_manager()


def ask_template() -> bool:
    """Have a fork of the template, if there is one, do what this process was started for; returns once it has ended."""
    door = os.environ.get(SOCKET)
    if door is None:
        return False
    asked = {"python": sys.executable, "environment": dict(os.environ), "arguments": sys.argv, "path": sys.path}
    taken = False
    # whatever fails, nobody is there, or was killed: what has been taken is not done twice
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect(door)
        socket.send_fds(client, [_ASKED], [0, 1, 2])
        client.sendall(f"{json.dumps(asked)}\n".encode())
        taken = client.recv(1) == _TAKEN
        while taken and client.recv(1):  # the other end is closed when the fork and its workers have ended
            pass
    return taken


def run_manager() -> None:
    """Fork Python workers whenever Spark asks for one."""
    from pyspark.daemon import manager

    manager()


def preload() -> None:
    """Import what tasks use, and load the compiled kernels; none of it is ever looked through for garbage."""
    unwarned()
    with uncollected():
        import pyspark.sql.pandas.serializers
        import pyspark.worker  # noqa: F401

        from synth_spark import evaluate, synthesize, validate  # noqa: F401
        from synth_spark.encode import codes, combinations  # noqa: F401
        from synth_spark.kernels.warmup import compile_kernels

        compile_kernels()
        gc.freeze()  # a collection would write to what forked processes share
