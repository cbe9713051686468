"""A real PostgreSQL server that a test starts for itself, and ends."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "open sesame%&"


def binaries() -> Path:
    """The folder of the server's programs; skips the test where there is none, except in CI."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        assert "SYNTH_SPARK_CI" not in os.environ, "CI must have PostgreSQL"
        pytest.skip("there is no PostgreSQL")
    return found[-1].parent


@contextmanager
def server() -> Iterator[str]:
    """A server of this machine alone, with a password; its address without it: ``HOST:PORT``."""
    programs, folder = binaries(), Path(tempfile.mkdtemp(prefix="synth-spark-postgres-"))
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    password, data = folder / "password", folder / "data"
    password.write_text(PASSWORD)
    if user:
        for path in (folder, password):
            shutil.chown(path, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, user=user, check=True, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    settings = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    try:
        run("initdb", "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password}", "-E", "UTF8", "--no-locale")
        run("pg_ctl", "-o", settings, "-l", str(folder / "log"), "-w", "start")
        yield f"127.0.0.1:{port}"
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
