"""The command that is about the privacy ledger. It needs no Spark."""

import argparse
from pathlib import Path

import synth_spark.plan as plans
from synth_spark.cli.plan_summary import account_text, grant_text, history_text
from synth_spark.errors import PlanError, RunError
from synth_spark.plan import Location, Plan, nearest
from synth_spark.plan.addresses import default_ledger, scheme_of
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.storage import append_log

#: What data sets are told by: the files of plans end so; all else is an input, or a name.
_PLANS = (".yml", ".yaml")


def manage(options: argparse.Namespace) -> None:
    """Show what data sets have left, grant a budget, or list all lines."""
    if options.action == "grant":
        return _grant(options)
    if options.set and options.data_set is None:
        raise PlanError("--set", "is about a plan or an input, and none is given", "give one after the ledger")
    log = append_log.opened(options.file or default_ledger())
    ledger = Ledger(log)
    entries = ledger.entries()
    if not entries:
        remedy = "give the file that `synth-spark plan` names: its key ledger, or that of the user"
        raise RunError(f"ledger {log.address}", "does not exist, or is empty", remedy)
    names = sorted({entry.data_set for entry in entries})
    wanted = names if options.data_set is None else [_known(options, log.address, names)]
    if options.action == "history":
        lines = [history_text(entry) for entry in entries if entry.data_set in wanted]
    else:
        lines = [account_text(ledger.account(name)) for name in wanted]
    return print("\n".join(lines))


def _grant(options: argparse.Namespace) -> None:
    """Grant a budget to the data set of a plan, or of an input: to the account that a run of it is charged to.

    Raises:
        PlanError: something is missing, or no plan is charged to what is named.
        BudgetError: the content of the input has several accounts, or that of another name.
    """
    from synth_spark.pipeline import accounts

    asked, file = (options.file, None) if options.data_set is None else (options.data_set, options.file)
    if asked is None or not (options.epsilon or 0) > 0 or not 0 < (options.delta or 0) < 1:
        problem = "needs a plan or an input, ε > 0 and 0 < δ < 1"
        raise PlanError("ledger grant", problem, "add --epsilon and --delta")
    budget = Epsilon(options.epsilon), Delta(options.delta)
    plan = _plan_of(options, asked, file)
    if plan is None:
        ledger = Ledger(append_log.opened(file or default_ledger()))
        if asked not in {entry.data_set for entry in ledger.entries()} or options.set:
            problem = "is no plan, no input that is there, and no data set that the ledger holds"
            remedy = "give the plan, or the input with the keys that it is released with (--set data_set=…)"
            raise PlanError(f"data set '{asked}'", problem, remedy)
        return print(grant_text(file or default_ledger(), ledger.grant(asked, *budget)))
    _check_there(plan)
    charged, remarks = accounts.charged(plan, always=True)
    account = accounts.ledger_of(charged).grant(charged.data_set_name, *budget, accounts.content(plan.input))
    lines = [grant_text(plan.ledger_address, account), *(f"remark: {remark}" for remark in remarks)]
    return print("\n".join(lines))


def _plan_of(options: argparse.Namespace, asked: str, file: str | None) -> Plan | None:
    """The plan that is meant by its file, or by its input; None where neither is."""
    of_plan = Path(asked).suffix.lower() in _PLANS
    if not of_plan and scheme_of(asked) is None and not Path(asked).exists():
        return None
    keys = {} if of_plan else {"input.path": asked}
    more = {} if file is None else {"ledger": file}
    return plans.load(asked if of_plan else None, {**keys, **dict(options.set), **more})


def _check_there(plan: Plan) -> None:
    """Refuse a data set that is told by where it is, and is not there, or that is what a query finds.

    Raises:
        PlanError: it is so.
    """
    if plan.data_set is not None:
        return
    locations: list[Location] = [*plan.input.sources.values()] or [plan.input]
    if any(location.sql for location in locations):
        raise PlanError("data_set", "is needed for a query: another wording of it is the same data", "name it")
    for path in (path for location in locations for path in location.all_paths):
        if scheme_of(path) is None and not Path(path).exists():
            raise PlanError("input.path", f"{path} does not exist", "check the path, or name the data set: data_set=…")


def _known(options: argparse.Namespace, address: str, names: list[str]) -> str:
    """The data set of a ledger that is named, or that a plan or an input is charged to.

    Raises:
        RunError: the ledger holds none such.
    """
    from synth_spark.pipeline import accounts

    asked = str(options.data_set)
    plan = None if asked in names and not options.set else _plan_of(options, asked, address)
    name = asked if plan is None else accounts.charged(plan, always=True)[0].data_set_name
    if name not in names:
        known = f"did you mean {nearest(name, names)}?" if names else "it holds none"
        raise RunError(f"data set '{name}'", "is not in the ledger", known)
    return name
