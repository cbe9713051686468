"""Files in HDFS, through the client hdfs-native: it needs no Java, and no session of Spark.

Where name nodes are and who asks is told by the environment alone, as Hadoop's own tools do it: the files
``core-site.xml`` and ``hdfs-site.xml`` in HADOOP_CONF_DIR, HADOOP_USER_NAME, a ticket of Kerberos.
"""

import os
import re
from functools import lru_cache
from threading import Thread
from typing import TYPE_CHECKING

from synth_spark.errors import PlanError, check_extra
from synth_spark.plan.addresses import HDFS, scheme_of
from synth_spark.plan.sources.stores.opening import begin

if TYPE_CHECKING:
    from hdfs_native import Client, FileStatus

#: What is to be checked where HDFS refuses, or is not reached.
REMEDY = "check the address, the network, and who you are to HDFS (HADOOP_CONF_DIR, HADOOP_USER_NAME, Kerberos)"
#: What variables of the environment begin with that say where name nodes are, and who asks.
TOLD_BY = ("HADOOP_", "KRB5")
#: The port of a name node that an address names without one, and that is no name service of the configuration.
_PORT = 8020
#: How often one name node is asked again that does not answer: some seconds. Of a name service the configuration says.
_AGAIN = {"dfs.client.failover.max.attempts": "4"}
#: Not once: nobody knows whether it lets this process in. Seconds that are waited then, whatever the network does.
_ONCE, _SOON = {"dfs.client.failover.max.attempts": "0"}, 5
#: What is told on of what the client says: the name of an error of a name node, or the number of one of the system.
_REFUSED, _FAILED = re.compile(r'RPCError\("[\w.$]*?(\w+)"'), re.compile(r"\(os error (\d+)\)")

#: What the client says where a name node takes a request, or not, and its connection ends before the answer.
_CUT = "RPC listener disconnected"


def is_in_hdfs(path: str) -> bool:
    """Whether a path is an address in HDFS that says in which: ``hdfs:///…`` is known to Spark alone.

    >>> is_in_hdfs("hdfs://host:8020/cases.csv"), is_in_hdfs("hdfs:///cases.csv"), is_in_hdfs("viewfs://all/cases.csv")
    (True, False, False)
    """
    return scheme_of(path) == HDFS and bool(re.match(r"[^:]+://[^/]", path))


def client_of(host: str) -> "Client":
    """The client of a name node, or of a name service; it asks nobody yet. A fork makes one of its own.

    Args:
        host: ``HOST:PORT``, ``HOST``, or the name of a service, as it stands in an address.

    Raises:
        PlanError: it is no name of a host or service.
        EngineError: the library for HDFS is not installed.
    """
    check_extra("hdfs", f"{HDFS}://{host}")
    try:
        return _opened(host, _environment(), os.getpid())
    except Exception:
        remedy = "write hdfs://HOST:PORT/FOLDER, or a service that is in HADOOP_CONF_DIR in the place of HOST:PORT"
        raise PlanError(f"{HDFS}://{host}", "names no name node of HDFS", remedy) from None


def is_reached(host: str, path: str) -> bool:
    """Whether this process can look at a path, or at the place where it is not; that takes some seconds at most."""
    return _reached(host, path, _environment())


def kind_of(error: Exception) -> str:
    """What went wrong, without what a server sent: the name of an error, or what the system calls it.

    >>> kind_of(RuntimeError('RPCError("org.apache.hadoop.security.AccessControlException", "Permission denied")'))
    'AccessControlException'
    >>> kind_of(OSError("Connection refused (os error 111)")), kind_of(RuntimeError("of no interest"))
    ('Connection refused', 'Runtime')
    >>> kind_of(OSError("RPC listener disconnected"))
    'the connection was cut'
    """
    if was_cut(error):
        return "the connection was cut"
    refused, failed = _REFUSED.match(str(error)), _FAILED.search(str(error))
    if refused is not None:
        return refused[1]
    return type(error).__name__.removesuffix("Error") if failed is None else os.strerror(int(failed[1]))


def was_cut(error: Exception) -> bool:
    """Whether a connection ended before the answer came: nobody knows whether the name node did what it was asked.

    The client asks again by itself for what reads, and not for what changes something.

    >>> was_cut(OSError("RPC listener disconnected")), was_cut(OSError("Connection refused (os error 111)"))
    (True, False)
    """
    return _CUT in str(error)


def tag_of(status: "FileStatus") -> str:
    """What changes whenever a file does: when it was written, to the millisecond, and its size."""
    return f"{status.modification_time}-{status.length}"


def listing(client: "Client", folder: str, deep: bool) -> list["FileStatus"]:
    """What is in a folder; what goes away meanwhile is left out.

    Args:
        client: see `client_of`.
        folder: its path. Nothing is in a folder that is not there, or that is a file.
        deep: whether all files below are told, and no folders.

    Raises:
        OSError: HDFS cannot be reached.
        RuntimeError: it refuses.
    """
    try:
        found = [one for one in client.list_status(folder) if one.isdir or one.path.rstrip("/") != folder.rstrip("/")]
    except FileNotFoundError:
        return []
    if not deep:
        return found
    return [file for one in found for file in (listing(client, one.path, deep) if one.isdir else [one])]


class HeldFile:
    """A file of HDFS whose bytes are asked for piece by piece: those of the moment at which it was looked at.

    The places of all its blocks are known from then on. If another file takes its name, its blocks are read on as long
    as they are there; then reading is an error.

    Attributes:
        size: in bytes.
        tag: its path, and what `tag_of` says: two files that were written in the same millisecond are told apart.
    """

    def __init__(self, host: str, path: str) -> None:
        """Look at the file.

        Raises:
            OSError: it is not there, or HDFS cannot be reached, or refuses.
        """
        try:
            client = client_of(host)
            self._reader, about = client.read(path), client.get_file_info(path)
        except Exception as error:
            raise _failed(error) from None
        if about.length != self._reader.size:
            raise OSError("Replaced")
        self.size, self.tag = about.length, entry_tag(about)

    def fetch(self, start: int, end: int) -> bytes:
        """Some of its bytes.

        Raises:
            OSError: HDFS cannot be reached, or a block is gone.
        """
        try:
            return bytes(self._reader.read_range(start, end - start))
        except Exception as error:
            raise _failed(error) from None


def entry_tag(status: "FileStatus") -> str:
    """What tells a file of an input from others; see `HeldFile`."""
    return f"{status.path}-{tag_of(status)}"


def _failed(error: Exception) -> OSError:
    return error if type(error) is FileNotFoundError else OSError(kind_of(error))


def _environment() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(TOLD_BY)))


@lru_cache(maxsize=8)
def _opened(host: str, environment: tuple[tuple[str, str], ...], process: int) -> "Client":  # noqa: ARG001
    """A client of this process, by its environment: the threads of one that was made before a fork are not there."""
    begin()
    return _made(host, _AGAIN)


def _made(host: str, again: dict[str, str]) -> "Client":
    """A new client; a host without a port that is no name service is a name node at the port that these have."""
    from hdfs_native import Client

    if ":" in host:
        return Client(f"{HDFS}://{host}", again)
    try:
        return Client(f"{HDFS}://{host}")
    except RuntimeError:
        return Client(f"{HDFS}://{host}:{_PORT}", again)


@lru_cache(maxsize=256)
def _reached(host: str, path: str, environment: tuple[tuple[str, str], ...]) -> bool:  # noqa: ARG001  it is read there
    answers: list[bool] = []

    def ask() -> None:
        try:
            _made(host, _ONCE).get_file_info(path)
        except FileNotFoundError:
            answers.append(True)
        except Exception:  # of HDFS, of the network, of who we are to it; or the client is not installed
            answers.append(False)
        else:
            answers.append(True)

    begin()
    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_SOON)
    return answers == [True]
