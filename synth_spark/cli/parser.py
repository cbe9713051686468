"""What can be written on the command line."""

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from synth_spark import __version__
from synth_spark.cli.completion import SHELLS
from synth_spark.cli.exit_table import exit_lines
from synth_spark.errors import PlanError
from synth_spark.plan import Typed
from synth_spark.plan.addresses import check_local, check_local_or_stored
from synth_spark.schema.plain_text import one_line

#: What each action of a command does, with an example.
_LEDGER = """actions:
  show     what each data set was granted, and has spent
             synth-spark ledger show ledger.jsonl
  grant    set what all releases of a data set together may cost; the last grant counts
             synth-spark ledger grant ledger.jsonl cases.csv --epsilon 3 --delta 1e-5
           the data set is told by a plan, or by an input with the keys that it is released with (--set data_set=…):
           a run of it is charged to the same account, wherever its output goes and however its path is spelled
  history  all lines, oldest first
             synth-spark ledger history ledger.jsonl cases
A ledger that is not given is the one of the user: synth-spark/ledger.jsonl in XDG_STATE_HOME, or in ~/.local/state."""
_RELEASES = """actions:
  list      all releases, oldest first; * marks the current one
              synth-spark releases list out/
  show      one release (default: the current one): tables, rows, hashes, what is guaranteed
              synth-spark releases show out/ RUN_ID
  diff      what differs between two releases (default of the second: the current one), and what both give away
              synth-spark releases diff out/ RUN_ID RUN_ID
  rollback  make an earlier release the current one again
              synth-spark releases rollback out/ RUN_ID
  retire    take releases back, but never the current one: their tables and documents are removed
              synth-spark releases retire out/ RUN_ID
              synth-spark releases retire out/ --keep 5
              synth-spark releases retire out/ --older-than 90
  clean     remove what publications that were killed have left
              synth-spark releases clean out/"""
_LOAD = """examples:
  into a file of DuckDB, the current release of a folder:
    synth-spark load out/ duckdb:cases.duckdb
  into PostgreSQL, an earlier release by its name, into a schema of its own:
    synth-spark load out/ postgresql://loader@db.example.org/cases --run-id RUN_ID --schema earlier"""

Command = Callable[[argparse.Namespace], None]


class Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, and where help is."""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and end with the exit code of a plan that cannot be understood."""
        self.exit(PlanError.exit_code, f"synth-spark: {one_line(message)}; see {self.prog} -h\n")


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """The parser of all commands.

    Args:
        commands: name → what the command does; it is set as ``command``.
    """
    whole = Parser(
        prog="synth-spark",
        description="Private releases of sensitive case records: protected counts and synthetic records.",
        epilog=exit_lines(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"synth-spark {__version__}")
    added = whole.add_subparsers(required=True, metavar="COMMAND")
    shared, asked, setting, accepting, summed = _shared(), _asked(), _set(), _accepting(), _summed()

    def add(name: str, text: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        more: list[Any] = list(parents)
        command: argparse.ArgumentParser = added.add_parser(name, help=text, description=text, parents=more)
        command.set_defaults(command=commands[name], name_of_command=name)
        return command

    add("run", "make, audit and publish a release", shared, asked, setting, accepting, summed)
    planned = add("plan", "print what a run would do, before any job", asked, setting)
    planned.add_argument("--all", action="store_true", help="print all keys, not only those that differ from a default")
    add("inspect", "look at an input, and propose a plan", shared, asked, setting)
    stage = add("stage", "run one stage of an existing run, anew", shared, accepting, summed)
    names = "read, encode, aggregate, synthesize, evaluate, assess, validate or publish"
    stage.add_argument("name", metavar="NAME", help=names)
    resume = add("resume", "run what an interrupted run has left to do", shared, accepting, summed)
    validate = add("validate", "audit a run again, and what was published of it", shared, accepting, summed)
    purge = add("purge", "remove what a published run kept, all that may not be published")
    purge.add_argument("--force", action="store_true", help="also of a run that is not published: it is given up")
    for command in (stage, resume, validate, purge):
        command.add_argument("run", metavar="RUN", type=_local_or_stored, help="run folder")
    showing = add("show", "make the showcase of a published release: one page to explore it")
    _add_published(showing)
    showing.add_argument(
        "--output", metavar="FILE", type=_local, help="where it goes; default: showcase.html beside the tables"
    )
    showing.add_argument("--serve", action="store_true", help="serve it on this machine's own address instead")
    showing.add_argument("--port", type=int, default=0, help="port to serve it on; default: any that is free")
    compare = add("compare", "put runs side by side: what was asked for, and what came of it")
    compare.add_argument("runs", nargs="+", metavar="RUN", type=_local_or_stored, help="run folders")
    where = "write it there, as a page, Markdown and CSV; also in a store"
    compare.add_argument("--output", metavar="FOLDER", type=_local_or_stored, help=where)
    _add_tuning(add("tune", "try several plans on a sample, and show what each costs", shared, asked, setting))
    _add_ledger(add("ledger", "what releases have cost, and what they may cost", setting))
    _add_releases(add("releases", "list, show and compare what was published; go back to it, or take it back"))
    _add_loading(add("load", "load a published release into PostgreSQL or DuckDB"))
    _add_packaging(add("package", "make one zip of a published release, as data portals offer it for download"))
    add("schema", "print the plan's JSON Schema, for editors")
    _add_completion(add("completion", "print a script that has a shell complete commands, options and names of files"))
    add("warm", "compile the kernels and load Spark's classes now rather than in every first run")
    demo = add("demo", "generate invented cases and release them", shared, setting)
    demo.add_argument("--rows", type=int, default=20_000, help="number of cases")
    demo.add_argument("--seed", type=int, default=1, help="seed of the cases")
    demo.add_argument("--output", metavar="PATH", type=_local, default="demo", help="folder for cases and release")
    return whole


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    amount = shared.add_mutually_exclusive_group()
    amount.add_argument("--quiet", action="store_true", help="no progress, warnings alone")
    more = "print details, the beginning of every stage, what Spark says, and how to read the tables"
    amount.add_argument("-v", "--verbose", action="store_true", help=more)
    form = "what standard error is: text, or one JSON object a line"
    shared.add_argument("--log-format", choices=("text", "json"), default="text", help=form)
    shared.add_argument("--log-file", metavar="FILE", type=_local, help="add the log to a file, one JSON object a line")
    return shared


def _summed() -> argparse.ArgumentParser:
    summed = argparse.ArgumentParser(add_help=False)
    what = "write the summary for machines there, too, however it ends; also in a store"
    summed.add_argument("--summary", metavar="FILE", type=_local_or_stored, help=what)
    return summed


def _asked() -> argparse.ArgumentParser:
    """A plan, and the keys of it that are often set."""
    asked = argparse.ArgumentParser(add_help=False)
    form = "plan file; see conf/any_table/release.yml"
    asked.add_argument("plan", nargs="?", metavar="PLAN.yml", type=_local, help=form)
    asked.add_argument("--input", metavar="PATH", help="input file or folder (input.path)")
    since = "add what is new to the counts of an earlier run (input.since)"
    asked.add_argument("--since", metavar="RUN", help=since)
    asked.add_argument("--k", type=int, help="privacy resolution (privacy.k); excludes --epsilon")
    noisy = "differential privacy with this ε (privacy.epsilon); excludes --k"
    asked.add_argument("--epsilon", type=float, help=noisy)
    asked.add_argument("--delta", type=float, help="δ of differential privacy (privacy.delta)")
    public = "which values occur is no secret (privacy.public_domain)"
    asked.add_argument("--public-domain", action="store_true", help=public)
    asked.add_argument("--length", type=int, metavar="R", help="longest combination reported (reporting_length)")
    assess = "rehearse the release, attack it, and compare with redaction (assessment.rehearsal, .redaction)"
    asked.add_argument("--assess", action="store_true", help=assess)
    asked.add_argument("--ledger", metavar="FILE", help="the privacy ledger (ledger.address)")
    asked.add_argument("--output", metavar="PATH", help="folder of the published tables (output.path)")
    asked.add_argument("--run-id", metavar="ID", help="name of the run")
    asked.add_argument("--seed", type=int, help="random seed; default: from the operating system")
    return asked


def _set() -> argparse.ArgumentParser:
    setting = argparse.ArgumentParser(add_help=False)
    text = "set any key of the plan, dotted; a text as it is, lists and mappings as YAML"
    setting.add_argument("--set", metavar="KEY=VALUE", type=_setting, action="append", default=[], help=text)
    return setting


def _accepting() -> argparse.ArgumentParser:
    accepting = argparse.ArgumentParser(add_help=False)
    accepting.add_argument("--accept", metavar="RULE", action="append", default=[], help="accept a broken warning")
    why = "why it is accepted; with your user name and the time it is published, if the rule is about what is published"
    accepting.add_argument("--reason", metavar="TEXT", action="append", default=[], help=why)
    return accepting


def _add_tuning(tune: argparse.ArgumentParser) -> None:
    tune.add_argument("--ks", type=_numbers, default="5,10,20", metavar="K,…", help="privacy resolutions")
    tune.add_argument("--lengths", type=_numbers, default="3", metavar="R,…", help="reporting lengths")
    tune.add_argument("--kinds", type=_words, metavar="KIND,…", help="ways of synthesis; default: that of the plan")
    tune.add_argument("--sample", type=int, default=20_000, metavar="N", help="most records that are tried on")
    where = "where the trials go, also in a store; default: beside the run folders"
    tune.add_argument("--trials", metavar="FOLDER", type=_local_or_stored, help=where)


def _add_ledger(ledger: argparse.ArgumentParser) -> None:
    ledger.formatter_class, ledger.epilog = argparse.RawDescriptionHelpFormatter, _LEDGER
    ledger.add_argument("action", choices=("show", "grant", "history"), help="see below")
    place = "a file, or a folder of a store; default: that of the plan, else that of the user"
    ledger.add_argument("file", nargs="?", metavar="LEDGER", type=_local_or_stored, help=place)
    named = "a plan, an input, or the name of a data set that the ledger holds; default: all"
    ledger.add_argument("data_set", nargs="?", metavar="DATA_SET", help=named)
    ledger.add_argument("--epsilon", type=float, help="ε that all releases together may cost (grant)")
    ledger.add_argument("--delta", type=float, help="δ that all releases together may cost (grant)")


def _add_releases(releases: argparse.ArgumentParser) -> None:
    actions = ("list", "show", "diff", "rollback", "retire", "clean")
    releases.formatter_class, releases.epilog = argparse.RawDescriptionHelpFormatter, _RELEASES
    releases.add_argument("action", choices=actions, help="see below")
    releases.add_argument(
        "root", metavar="OUT", type=_local_or_stored, help="folder of the published tables (output.path)"
    )
    releases.add_argument("run_ids", nargs="*", metavar="RUN_ID", help="names of releases")
    releases.add_argument("--keep", type=int, metavar="N", help="take back all but the N newest (retire)")
    releases.add_argument("--older-than", type=float, metavar="DAYS", help="take back those that are older (retire)")
    unread = "say that nobody has read those that are named: later releases are not compared with them (retire)"
    releases.add_argument("--unread", action="store_true", help=unread)


def _add_published(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "release",
        metavar="RUN_OR_OUT",
        type=_local_or_stored,
        help="a published run's folder, or that of published tables",
    )
    command.add_argument("--run-id", metavar="ID", help="name of a release of that folder; default: the latest")


def _add_loading(load: argparse.ArgumentParser) -> None:
    load.formatter_class, load.epilog = argparse.RawDescriptionHelpFormatter, _LOAD
    _add_published(load)
    load.add_argument("target", metavar="TARGET", help="postgresql://USER@HOST/DATABASE or duckdb:PATH")
    load.add_argument("--schema", metavar="NAME", help="where the tables go; default: public, in DuckDB main")


def _add_packaging(packaging: argparse.ArgumentParser) -> None:
    _add_published(packaging)
    place = "where it goes, a file or a folder; default: <data set>-<run>.zip in the current folder"
    packaging.add_argument("--output", metavar="FILE.zip", type=_local, help=place)


def _add_completion(completing: argparse.ArgumentParser) -> None:
    completing.add_argument("shell", choices=SHELLS, help="the shell that is to evaluate it")


def _setting(text: str) -> tuple[str, Typed]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE")
    return key, Typed(value)


def _place(check: Callable[[str], str]) -> Callable[[str], str]:
    """A kind of argument: an address that passes a check, which raises `ValueError`."""

    def checked(text: str) -> str:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return checked


_local, _local_or_stored = _place(check_local), _place(check_local_or_stored)


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of whole numbers such as 5,10") from None


def _words(text: str) -> list[str]:
    return text.split(",")
