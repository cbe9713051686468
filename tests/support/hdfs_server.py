"""A real HDFS on this machine's own address, while tests need it: a name node and two data nodes in one JVM."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway
from s3_server import free_ports

#: Spark's own files, among them Hadoop's client, of whose version the servers are.
_JARS = Path(pyspark.__file__).parent / "jars"
_GROUP, _NAME = "org.apache.hadoop", "hadoop-client-minicluster"
#: Seconds for the data nodes to begin.
_BEGIN = 120


def hdfs_classes() -> str:
    """The class path of the servers; what Spark does not have of it is fetched once a machine, by Spark's own Ivy."""
    version = next(
        match[1] for file in _JARS.iterdir() if (match := re.match(r"hadoop-client-api-(.+)\.jar", file.name))
    )
    cache = Path.home() / ".ivy2.5.2" / "cache"
    jar = cache / _GROUP / _NAME / "jars" / f"{_NAME}-{version}.jar"
    if not jar.is_file():
        ivy = ["-cp", str(_JARS / "*"), "org.apache.ivy.Main", "-error", "-cache", str(cache), "-notransitive"]
        asked = ["-dependency", _GROUP, _NAME, version, "-confs", "default"]
        subprocess.run(["java", *ivy, *asked], check=True, capture_output=True)
        assert jar.is_file()
    return os.pathsep.join([str(jar), str(_JARS / "*")])


@contextmanager
def hdfs_server(classes: str, folder: Path) -> Iterator[str]:
    """Start a name node and two data nodes; they end with this process, however it ends.

    Args:
        classes: see `hdfs_classes`.
        folder: where they keep what they are given; empty.

    Yields:
        The address of the name node: ``hdfs://127.0.0.1:PORT``.
    """
    options = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dhadoop.log.dir={folder}"]
    jar = str(next(_JARS.glob("py4j*.jar")))
    port, server = launch_gateway(
        classpath=classes, jarpath=jar, javaopts=options, die_on_exit=True, return_proc=True, cwd=str(folder)
    )
    gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port))
    try:
        yield _begun(gateway, folder)
    finally:
        gateway.close()
        server.kill()
        server.wait()


def _begun(gateway: JavaGateway, folder: Path) -> str:
    address = f"hdfs://127.0.0.1:{free_ports(1)[0]}"
    hadoop: Any = gateway.jvm.org.apache.hadoop
    given = hadoop.hdfs.HdfsConfiguration()
    own = {f"dfs.datanode.{name}address": "127.0.0.1:0" for name in ("", "ipc.", "http.")}
    for key, value in {
        **own,
        "fs.defaultFS": address,
        "dfs.namenode.http-address": "127.0.0.1:0",
        "dfs.namenode.name.dir": (folder / "names").as_uri(),
        "dfs.datanode.hostname": "127.0.0.1",
        "dfs.replication": "2",
        "dfs.namenode.file.close.num-committed-allowed": "1",  # else closing takes half a second
        "dfs.blocksize": str(1 << 20),  # a name node keeps that much free for each file that is being written
    }.items():
        given.set(key, value)
    hadoop.metrics2.lib.DefaultMetricsSystem.setMiniClusterMode(True)  # several servers in one JVM
    nodes = hadoop.hdfs.server
    nodes.namenode.NameNode.format(given)
    nodes.namenode.NameNode(given)
    none, end = gateway.new_array(gateway.jvm.String, 0), time.monotonic() + _BEGIN
    for name in ("one", "two"):
        own_keys = hadoop.conf.Configuration(given)
        own_keys.set("dfs.datanode.data.dir", (folder / name).as_uri())
        node = nodes.datanode.DataNode.createDataNode(none, own_keys)
        while not node.isDatanodeFullyStarted():
            assert time.monotonic() < end, "a data node does not begin"
            time.sleep(0.1)
    return address
