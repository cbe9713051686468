"""Stores behind a proxy that strikes requests, for `inject_stores`: servers of S3, of Azure, of Google, and an HDFS.

Each is started here, unless it is there already. Clients are those of the product; they, and the logs that are written
through them, only ask again sooner than they do elsewhere.
"""

import json
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from azure_server import azure_server, azurite
from faulty_hdfs import faulty_hdfs
from faulty_store import FaultyStore, faulty_store
from gcs_server import gcs_server, reached_at
from hdfs_server import hdfs_classes, hdfs_server
from publishing import by_this_process
from s3_server import s3_server

from synth_spark.plan.sources import stores
from synth_spark.plan.sources.stores import hdfs
from synth_spark.storage import append_log
from synth_spark.storage.runs import copies

#: Faults of an object store.
OBJECT_STORE = ("failed", "lost", "slow-down", "too-many", "lost-listing")
#: Clients that ask again twice, soon: what is looked at is what happens then, not how long they wait.
_ASKS_AGAIN = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=20),
    "backoff": {"init_backoff": timedelta(milliseconds=5), "max_backoff": timedelta(milliseconds=20), "base": 2},
}
_HDFS_ASKS_AGAIN = {
    "dfs.client.failover.max.attempts": "2",
    "dfs.client.failover.sleep.base.millis": "5",
    "dfs.client.failover.sleep.max.millis": "20",
}
#: Where processes that are killed come from: one that has imported all they need, has asked no store, and forks.
DRIVERS = multiprocessing.get_context("forkserver")
DRIVERS.set_forkserver_preload(["inject_stores"])


@dataclass(frozen=True)
class Stand:
    """A store behind a proxy.

    Attributes:
        address: of a folder there that nothing else uses.
        wire: kinds of faults that strike requests there, without killing who asks.
        proxy: the proxy.
        few_tries: whether what changes something is asked for twice at most: few faults fail a publication.
        environment: by which clients find the store through the proxy, and may use it; an address of HDFS says it.
    """

    address: str
    wire: tuple[str, ...]
    proxy: FaultyStore
    few_tries: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def s3_stand(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Stand]:
    """An S3 server behind a proxy.

    Args:
        folder: where a server keeps what it is given; empty.
        environment: of a server that is there; default: one is started.
    """
    if environment is None:
        with s3_server(folder) as started, s3_stand(folder, started) as stand:
            yield stand
        return
    with faulty_store(environment["AWS_ENDPOINT_URL"]) as (proxy, endpoint):
        through = {**environment, "AWS_ENDPOINT_URL": endpoint}
        yield Stand(f"s3://faults/{folder.name}", OBJECT_STORE, proxy, environment=through)


@contextmanager
def google_stand(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Stand]:
    """A server in the place of Google storage behind a proxy, see `s3_stand`; its bucket is ``places``."""
    if environment is None:
        with gcs_server(folder, "places") as started, google_stand(folder, started) as stand:
            yield stand
        return
    account = json.loads(environment["GOOGLE_SERVICE_ACCOUNT_KEY"])
    with faulty_store(account["gcs_base_url"]) as (proxy, endpoint):
        through = {**environment, **reached_at(endpoint)}
        yield Stand(f"gs://places/{folder.name}", OBJECT_STORE, proxy, environment=through)


@contextmanager
def azure_stand(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Stand]:
    """A server of Azure's blobs behind a proxy, see `s3_stand`; its container is ``places``."""
    if environment is None:
        with azure_server(azurite(), folder, "places") as started, azure_stand(folder, started) as stand:
            yield stand
        return
    server, _, account = environment["AZURE_STORAGE_ENDPOINT"].rpartition("/")
    with faulty_store(server) as (proxy, endpoint):
        through = {**environment, "AZURE_STORAGE_ENDPOINT": f"{endpoint}/{account}"}
        yield Stand(f"az://places/{folder.name}", OBJECT_STORE, proxy, environment=through)


@contextmanager
def hdfs_stand(folder: Path, address: str | None = None) -> Iterator[Stand]:
    """An HDFS whose name node is behind a proxy.

    Args:
        folder: where its servers keep what they are given; empty.
        address: of a name node that is there; default: servers are started.
    """
    if address is None:
        with hdfs_server(hdfs_classes(), folder) as started, hdfs_stand(folder, started) as stand:
            yield stand
        return
    wire = ("failed", "lost", "safe-mode", "standby", "gone", "lost-listing")
    with faulty_hdfs(address) as (proxy, seen):
        yield Stand(f"{seen}/faults/{folder.name}", wire, proxy, few_tries=True)


#: Places whose faults can be injected: what starts a server with a proxy before it.
PLACES: dict[str, Callable[..., AbstractContextManager[Stand]]] = {
    "s3": s3_stand,
    "gs": google_stand,
    "az": azure_stand,
    "hdfs": hdfs_stand,
}


@contextmanager
def hurried() -> Iterator[None]:
    """Clients and logs of this process ask again soon, and it does what tasks do of a publication."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stores, "BRIEFLY", _ASKS_AGAIN)
        patched.setattr(stores, "FOR_LONG", _ASKS_AGAIN)
        patched.setattr(hdfs, "_AGAIN", _HDFS_ASKS_AGAIN)
        patched.setattr(append_log, "_PAUSE", 0.002)
        patched.setattr(copies, "by_tasks", by_this_process)
        yield
