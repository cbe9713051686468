"""What set-up does on a machine that lacks parts: a path with nothing on it but what a test puts there."""

import shutil
import subprocess
from pathlib import Path

import pytest
from installing import ROOT

SCRIPT, PACKAGES = (ROOT / "conf" / "setup" / name for name in ("system.sh", "packages.sh"))
LOCK = ROOT / "requirements.lock"
JAVA, PYTHON = "openjdk-17-jre-headless", "python3.11 python3.11-venv"


class Machine:
    """A folder of commands; those that install write down what they were asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, folder / "asked"
        folder.mkdir()
        for tool in ("sed", "head"):
            (folder / tool).symlink_to(str(shutil.which(tool)))

    def command(self, name: str, body: str) -> None:
        """Put a command there."""
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def java(self, version: str) -> None:
        """A Java runtime that says its version as Java does."""
        self.command("java", f"echo 'openjdk version \"{version}\" 2024-01-16' >&2")

    def python(self, venv: bool) -> None:
        """A Python 3.11, with its venv module or without."""
        self.command("python3.11", f"exit {0 if venv else 1}")

    def apt(self, has_java_17: bool = True) -> None:
        """The installer of Debian."""
        self.command("apt-get", f'echo "$*" >> {self.asked}')
        self.command("apt-cache", f"exit {0 if has_java_17 else 100}")

    def set_up(self, user: int, **more: str) -> subprocess.CompletedProcess[str]:
        """Run the script as a user."""
        self.command("id", f"echo {user}")
        shell, path = str(shutil.which("sh")), {"PATH": str(self.folder), **more}
        return subprocess.run([shell, str(SCRIPT)], env=path, capture_output=True, text=True, check=False)

    def installed(self) -> str:
        """What the installer was last asked to install."""
        update, install = self.asked.read_text().splitlines()
        assert update.startswith("update")
        return install.rpartition("--no-install-recommends ")[2].strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "bin")


@pytest.mark.parametrize("version", ["17.0.10", "21.0.2", "25"])
def test_nothing_is_installed_where_nothing_lacks(machine: Machine, version: str) -> None:
    machine.java(version)
    machine.python(venv=True)
    machine.apt()
    done = machine.set_up(user=0)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not machine.asked.exists()


def test_an_empty_machine_gets_everything(machine: Machine) -> None:
    machine.apt()
    done = machine.set_up(user=0)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Installing: {JAVA} {PYTHON}\n"
    assert machine.installed() == f"{JAVA} {PYTHON}"


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.22"])
def test_an_old_java_is_not_enough(machine: Machine, version: str) -> None:
    machine.java(version)
    machine.python(venv=True)
    machine.apt()
    assert machine.set_up(user=0).returncode == 0
    assert machine.installed() == JAVA


def test_a_newer_java_is_taken_where_there_is_no_other(machine: Machine) -> None:
    machine.python(venv=False)
    machine.apt(has_java_17=False)
    assert machine.set_up(user=0).returncode == 0
    assert machine.installed() == "default-jre-headless python3.11-venv"


@pytest.mark.parametrize(("user", "apt"), [(1000, True), (0, False)])
def test_who_may_not_install_is_told_what_to_install(machine: Machine, user: int, apt: bool) -> None:
    machine.python(venv=True)
    if apt:
        machine.apt()
    done = machine.set_up(user)
    assert done.returncode == 1
    assert f"sudo apt-get install {JAVA};" in done.stdout
    assert not machine.asked.exists()


def test_ci_gets_a_browser_a_database_server_and_what_installs_another_server(machine: Machine) -> None:
    machine.java("17.0.10")
    machine.python(venv=True)
    machine.apt()
    servers = machine.folder.parent / "postgresql"
    done = machine.set_up(user=0, SYNTH_SPARK_CI="1", POSTGRESQL=str(servers))
    assert done.returncode == 0, done.stderr
    assert machine.installed() == "chromium npm postgresql"
    machine.asked.unlink()
    (servers / "15" / "bin").mkdir(parents=True)
    for command in (servers / "15" / "bin" / "initdb", machine.folder / "chromium", machine.folder / "npm"):
        command.touch(mode=0o755)
    done = machine.set_up(user=0, SYNTH_SPARK_CI="1", POSTGRESQL=str(servers))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not machine.asked.exists()


# --- what the lock file pins


def packages(folder: Path, python: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script that installs the lock file, with a Python that writes down what it is asked for."""
    folder.mkdir()
    (folder / "python").write_text(
        f'#!/bin/sh\nfor last; do :; done\necho "$*" >> "{folder}/asked"\ncat "$last" >> "{folder}/pinned"\n{python}\n'
    )
    (folder / "python").chmod(0o755)
    return subprocess.run(["sh", str(PACKAGES), str(folder)], capture_output=True, text=True, check=False)


def test_every_line_of_the_lock_file_is_asked_for_once_and_held_to_its_hashes(tmp_path: Path) -> None:
    done = packages(tmp_path / "bin")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    asked = (tmp_path / "bin" / "asked").read_text().splitlines()
    assert len(asked) == 3
    assert all("--require-hashes" in line and "--no-deps" in line for line in asked)
    pinned = (tmp_path / "bin" / "pinned").read_text().splitlines()
    assert sorted(pinned) == sorted(
        [*LOCK.read_text().splitlines(), *PACKAGES.with_name("pip.lock").read_text().splitlines()]
    )


@pytest.mark.parametrize("part", ["pip.lock", "spark", "others"])
def test_an_installation_that_fails_is_no_success(tmp_path: Path, part: str) -> None:
    failing = f'case "$last" in */{part}) echo no network >&2; exit 1;; esac'
    done = packages(tmp_path / "bin", failing)
    assert done.returncode == 1
    assert "no network" in done.stderr
