"""Executing the blocks of the documents in one folder and one session; docs/examples.md says what is put in for what.

The session starts in that folder, so that relative paths mean the same to Python and to Spark. Seeds, which come from
the operating system, are 1, 2, 3, … here, so that no chance decides whether a rule about records holds.
"""

import argparse
import contextlib
import io
import json
import os
import pickle
import re
import secrets
import subprocess
import sys
import time
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import adbc_driver_postgresql.dbapi as postgres_driver
import duckdb
import pandas as pd
from doc_blocks import ROOT, Block, Example, unlisted
from installing import clean_environment
from prometheus import samples
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark.cli.main import COMMANDS, main
from synth_spark.cli.parser import parser
from synth_spark.publish.repository import ReleaseRepository
from synth_spark.runtime.session import open_session

#: The page whose commands take back and purge what the others are about: they come last.
LAST = "docs/operations.md"
COLUMNS = ["yearOfRegistration", "gender", "citizenship", "isForcedLabour"]


def of(*languages: str) -> list[Example]:
    """Examples in the order in which they are executed."""
    found = [one for one in unlisted() if one.block.language in languages]
    return sorted(found, key=lambda one: (one.block.page != "README.md", one.block.page == LAST))


def helped() -> list[Example]:
    """The examples in the help of the command that loads a release."""
    (added,) = (one for one in parser(COMMANDS)._actions if isinstance(one, argparse._SubParsersAction))
    block = Block("load -h", "", "sh", added.choices["load"].epilog or "")
    return [Example(block, line.strip()) for line in block.text.splitlines() if "synth-spark " in line]


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    printed: str


class Found(NamedTuple):
    """What came of everything: how commands ended, the rows of statements in each database, which alarms ring.

    What could not be executed is in none of these, and in ``failed`` with the error.
    """

    ended: dict[Example, Ended]
    rows: dict[Example, list[list[tuple[Any, ...]]]]
    rings: dict[Example, bool]
    failed: dict[Example, str]


class Desk:
    """The current folder, in which the commands of the documents are run, and a server of PostgreSQL."""

    def __init__(self, address: str) -> None:
        self.address, self.found = address, Found({}, {}, {}, {})
        self.named: dict[str, Any] = {"__name__": "__main__"}

    def work(self) -> None:
        """Run commands, then statements and alarms, then what takes back and purges, then programs."""
        commands = of("sh", "console")
        last = [one for one in commands if one.block.page == LAST]
        first = [one for one in commands if one not in last]
        for example in [*first, *helped(), *of("sql", "promql"), *last, *of("python")]:
            ways = {"sql": self.ask, "promql": self.look, "python": self.execute}
            work = ways.get(example.block.language, self.run)
            try:
                work(example)
            except (Exception, SystemExit) as error:
                self.found.failed[example] = repr(error)

    def run(self, example: Example) -> None:
        """Run a command in this process, with this process's session; one that serves a page in its own."""
        words = [self.meant(word, example.words[1]) for word in example.words[1:]]
        if words[-1] == "--serve":
            self.found.ended[example] = served(words)
            return
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
        self.found.ended[example] = Ended(code, out.getvalue() + err.getvalue())

    def meant(self, word: str, command: str) -> str:
        """What a word of a command stands for."""
        if word in ("RUN_A", "RUN_B"):
            name = list(self.releases)[["RUN_A", "RUN_B"].index(word)]
            return name if command == "releases" else f"out.work/{name}"
        if word == "RUN":
            return str(max(Path().glob("*.work/*T*Z-*"), key=lambda one: one.name))
        if word.startswith("postgresql://"):
            return self.address
        return {"OUT": "out/", "RUN_ID": self.release if "RUN_ID" in word else ""}.get(word, word)

    @property
    def releases(self) -> dict[str, dict[str, Any]]:
        """Name → manifest, oldest first."""
        return ReleaseRepository(Path("out")).published()

    @property
    def release(self) -> str:
        """The oldest release that is neither the current one nor retired."""
        current = ReleaseRepository(Path("out")).current()
        return next(name for name, one in self.releases.items() if name != current and "retired" not in one)

    def ask(self, example: Example) -> None:
        """Run a statement: on files in DuckDB, on loaded tables in both databases."""
        sql = example.text.replace("RUN_ID", self.release)
        if re.search(r"'[^']*\.parquet'", sql):
            self.found.rows[example] = [duckdb.connect().execute(sql).fetchall()]
            return
        with duckdb.connect("cases.duckdb", read_only=True) as connection:
            found = connection.execute(sql).fetchall()
        with postgres_driver.connect(self.address) as opened, opened.cursor() as cursor:
            cursor.execute("SET search_path TO releases")  # as docs/dashboards.md says
            cursor.execute(sql)
            self.found.rows[example] = [found, [tuple(row) for row in cursor.fetchall()]]

    def execute(self, example: Example) -> None:
        """Run a part of a program, with what was named in the parts before it."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(example.text, example.block.page, "exec"), self.named)
        self.found.ended[example] = Ended(0, out.getvalue())

    def look(self, example: Example) -> None:
        """Whether an alarm rings for the newest run that was published: ``[time() -] NAME[{LABELS}] SIGN NUMBER``."""
        parts = re.fullmatch(r"(time\(\) - )?(\w+)(?:\{(.*)\})? (==|<|>) ([\d. *]+)", example.text)
        assert parts, "it is of another form"
        since, name, labels, sign, limit = parts.groups()
        wanted = set(re.findall(r'(\w+)="(.*?)"', labels or ""))
        newest = max(Path().glob("*.work/*/metrics.prom"), key=lambda one: one.parent.name)
        found = [v for (n, all_), v in samples(newest.read_text()).items() if n == name and wanted <= set(all_)]
        assert found, "no figure is meant"
        number = 1.0
        for factor in limit.split("*"):
            number *= float(factor)
        values = [time.time() - value if since else value for value in found]
        rings = any({"==": value == number, "<": value < number, ">": value > number}[sign] for value in values)
        self.found.rings[example] = rings


def served(words: list[str]) -> Ended:
    """Start a command that serves a page, fetch the page, and interrupt it."""
    command = [sys.executable, "-m", "synth_spark", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clean_environment())
    assert process.stdout is not None
    told = process.stdout.readline()
    with urllib.request.urlopen(told.split()[0]) as answer:
        page = answer.read().decode()
    process.send_signal(2)
    return Ended(process.wait(timeout=60), page)


def prepare(spark: SparkSession) -> None:
    """Write the files that the documents name."""
    demo.write_csv(spark, Path("all.csv"), 3_600, seed=2)
    cases = pd.read_csv("all.csv", dtype=str, keep_default_na=False)[COLUMNS]
    cases[:3_000].to_csv("cases.csv", index=False)
    cases[3_000:].to_csv("november.csv", index=False)
    plan = {"input": {"paths": ["cases.csv", "november.csv"]}, "output": {"path": "out", "long_form": True}}
    Path("plan.yml").write_text(json.dumps(plan))
    Path("conf").symlink_to(ROOT / "conf")


def work(address: str) -> None:
    """Execute everything in the current folder; what came of it goes into a file there."""
    spark, seeds = open_session(), count(1)
    secrets.randbits = lambda _: next(seeds)
    prepare(spark)
    desk = Desk(address)
    desk.work()
    Path("found.pickle").write_bytes(pickle.dumps(desk.found))
    spark.stop()


def executed(folder: Path, address: str) -> Found:
    """Execute everything in a folder, in a process of its own."""
    command = [sys.executable, "-c", "import sys, doc_desk; doc_desk.work(sys.argv[1])", address]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    done = subprocess.run(command, cwd=folder, env=clean_environment(PYTHONPATH=path), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "found.pickle").read_bytes())  # written by this module
