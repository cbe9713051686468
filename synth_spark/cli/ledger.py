"""The command that is about the privacy ledger. It needs no Spark."""

import argparse

from synth_spark.cli.plan_summary import account_text, grant_text, history_text
from synth_spark.errors import PlanError, RunError
from synth_spark.plan import nearest
from synth_spark.privacy import Delta, Epsilon
from synth_spark.privacy.ledger import Ledger
from synth_spark.storage import append_log


def manage(options: argparse.Namespace) -> None:
    """Show what data sets have left, grant a budget, or list all lines."""
    log = append_log.opened(options.file)
    ledger = Ledger(log)
    if options.action == "grant":
        if options.data_set is None or not (options.epsilon or 0) > 0 or not 0 < (options.delta or 0) < 1:
            raise PlanError("ledger grant", "needs a data set, ε > 0 and 0 < δ < 1", "add --epsilon and --delta")
        account = ledger.grant(options.data_set, Epsilon(options.epsilon), Delta(options.delta))
        return print(grant_text(log.address, account))
    entries = ledger.entries()
    if not entries:
        remedy = "give the file that `synth-spark plan` names: ledger.jsonl beside the run folders, or the key ledger"
        raise RunError(f"ledger {log.address}", "does not exist, or is empty", remedy)
    names = sorted({entry.data_set for entry in entries})
    if options.data_set is not None and options.data_set not in names:
        known = f"did you mean {nearest(options.data_set, names)}?" if names else "it holds none"
        raise RunError(f"data set '{options.data_set}'", "is not in the ledger", known)
    wanted = [name for name in names if options.data_set in (None, name)]
    if options.action == "history":
        lines = [history_text(entry) for entry in entries if entry.data_set in wanted]
    else:
        lines = [account_text(ledger.account(name)) for name in wanted]
    return print("\n".join(lines))
