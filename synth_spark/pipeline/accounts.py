"""Which account of the privacy ledger a release is charged to, and whether its run folder holds what it has drawn.

A data set is known by the name that its plan gives, or by where its input is, and besides by its content: by the hash
of each file, also where that file has been added to since, and by the id of a Delta table, whatever its version.
Content that has an account already is charged to it where the plan names no data set, and refused under another name.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from synth_spark.errors import InputError
from synth_spark.plan import Input, Plan
from synth_spark.plan.addresses import resolved, scheme_of
from synth_spark.plan.sources import files
from synth_spark.privacy.entries import BEGINNING, Entry, claimed, draw_entry, name_now, owners
from synth_spark.privacy.ledger import Ledger
from synth_spark.schema import tables
from synth_spark.storage import append_log
from synth_spark.storage.hashing import sha256_of_text
from synth_spark.storage.inventory import Inventory, Item, inventory
from synth_spark.storage.run_store import RunStore

#: All tables that hold noise.
DRAWN = (tables.VALUES, tables.NOISY_PAIRS, tables.NOISY_SCORES, tables.NOISY_TRIPLES, *tables.NOISY_LENGTHS)

#: What is kept among the numbers that were drawn, but follows from others.
_COMPUTED = ("rho", "domain_share")
#: How the tokens of content begin: of a file its SHA-256 and size follow, of a Delta table its id.
_FILE, _DELTA = "file", "delta"
#: Bytes of a file that are looked at to see whether it holds more than one line, and those that are hashed at once.
_HEAD, _CHUNK = 1 << 16, 1 << 20


def ledger_of(plan: Plan) -> Ledger:
    """The privacy ledger that a plan names, with what is to be taken over of one that is beside its run folders."""
    return Ledger(append_log.opened(plan.ledger_address), _earlier(plan))


def beside(plan: Plan) -> Path | None:
    """The ledger beside the run folders, where earlier versions kept it; None if there is none, or it is the plan's."""
    if scheme_of(plan.work_address) is not None:  # earlier versions had no run folders there
        return None
    file = plan.work_folder / "ledger.jsonl"
    own = scheme_of(plan.ledger_address) is None and resolved(plan.ledger_address) == resolved(str(file))
    return file if file.is_file() and not own else None


def charged(plan: Plan, always: bool = False) -> tuple[Plan, list[str]]:
    """The plan with the account that it is charged to; files are hashed only where a ledger tells of content.

    Args:
        plan: what is asked for.
        always: whether content is looked at under k-anonymity, too, where a release costs nothing.

    Returns:
        The plan, with the name of its data set and the address of its ledger; and remarks for those who make the
        release.

    Raises:
        BudgetError: its content has another account, and it names a data set, or has an account of its own, too.
        RunError: the ledger cannot be read, or is damaged.
        PlanError: the plan has no ledger.
    """
    name, remarks = plan.data_set_name, []
    if (old := beside(plan)) is not None:
        remarks.append(f"what {old} holds, the ledger of earlier releases, is taken over into {plan.ledger_address}")
    if not (plan.privacy.noisy or always):
        return plan.charged_to(name), remarks
    entries = ledger_of(plan).entries()
    seen = inventory(plan.input, _digest) if _sizes(entries) or _tables(entries) else None
    others = [] if seen is None else owners({*tokens(seen), *beginnings(seen, entries)}, entries)
    others = [other for other in others if other != name]
    if others:
        own = any(entry.data_set == name and entry.epsilon is not None for entry in entries)
        if plan.data_set is not None or own or len(others) > 1:
            raise claimed(name, others)
        remarks.append(f"its content has an account already: this release is charged to data set {others[0]}")
        name = others[0]
    return plan.charged_to(name), remarks


def draws(store: RunStore) -> dict[str, str]:
    """What a run folder holds that was drawn, tables and numbers, and beginnings of that, by name → hash."""
    manifest, nonce = store.manifest, store.manifest.get("nonce")
    names = [table.name for table in DRAWN if table.name in manifest["tables"]]
    numbers = {name: value for name, value in store.facts.get("drawn", {}).items() if name not in _COMPUTED}
    numbers |= {f"{BEGINNING} {stage}": token for stage, token in store.facts.get("begun", {}).items()}
    return {name: manifest["tables"][name]["content_hash"] for name in names} | {
        name: sha256_of_text(f"{nonce}/{name}/{value}") for name, value in numbers.items()
    }


def begin_draws(store: RunStore, stage: str) -> None:
    """Tell the ledger that a stage is about to draw, before it does: of several copies of a run folder, one draws.

    The folder holds a random token before the ledger holds its hash. So a run that was killed goes on under the token
    that it has, and a folder that was copied before has another one, or none.

    Args:
        store: the run folder; the token is saved in it, once.
        stage: its name.

    Raises:
        BudgetError: another copy of the folder has begun to draw, or the release was not debited.
        RunError: the ledger cannot be read or written.
    """
    begun = store.facts.setdefault("begun", {})
    if stage not in begun:
        begun[stage] = secrets.token_hex(16)
        store.save()
    enter_draws(store)


def enter_draws(store: RunStore) -> None:
    """Tell the ledger what was drawn, before anything is made of it.

    Raises:
        BudgetError: the release was not debited, or the ledger knows that it has drawn something else.
        RunError: the ledger cannot be read or written.
    """
    ledger_of(store.plan).enter_draws(_draw_entry(store))


def check_drawn(store: RunStore) -> None:
    """Refuse a run folder that does not hold all that its release has drawn: it was rolled back, or copied before.

    Raises:
        BudgetError: it does not, or another run was released under its name.
        RunError: the ledger cannot be read.
    """
    if store.plan.privacy.noisy:
        ledger_of(store.plan).check_drawn(_draw_entry(store))


def _draw_entry(store: RunStore) -> Entry:
    return draw_entry(store.plan.data_set_name, store.run_id, store.manifest.get("nonce"), draws(store))


def content(source: Input) -> tuple[str, ...]:
    """What an input is made of, as a ledger tells it; nothing where this process cannot see its files."""
    seen = inventory(source, _digest)
    return () if seen is None else tokens(seen)


def tokens(seen: Inventory) -> tuple[str, ...]:
    """What an input that was looked at is made of, as a ledger tells it; without files that hold no records."""
    found = {}
    for item in seen.items:
        if item.version is not None:
            found[f"{_DELTA}:{_table_id(Path(_address(item))) or item.sha256}"] = True
        elif _holds_records(_address(item)):
            found[f"{_FILE}:{item.sha256}:{item.size}"] = True
    return tuple(found)


def beginnings(seen: Inventory, entries: Iterable[Entry]) -> tuple[str, ...]:
    """How the files of an input begin, as far as a ledger tells of files of that size: one may have been added to."""
    sizes = _sizes(entries)
    found = []
    for item in seen.items:
        within = [size for size in sizes if size < item.size]
        if item.version is None and within:
            found += _begins(item, within)
    return tuple(found)


def _sizes(entries: Iterable[Entry]) -> list[int]:
    """The sizes of the files that entries tell of."""
    told = {token for entry in entries for token in entry.content if token.startswith(_FILE)}
    return sorted({int(token.rpartition(":")[2]) for token in told})


def _tables(entries: Iterable[Entry]) -> bool:
    """Whether entries tell of Delta tables."""
    return any(token.startswith(_DELTA) for entry in entries for token in entry.content)


def _begins(item: Item, sizes: Sequence[int]) -> list[str]:
    """Tokens of the first bytes of a file, so many each, ascending."""
    running, at, found = hashlib.sha256(), 0, []
    try:
        with files.opened(_address(item)) as stream:
            for size in sizes:
                while at < size and (chunk := stream.read(min(_CHUNK, size - at))):
                    running.update(chunk)
                    at += len(chunk)
                found.append(f"{_FILE}:{running.hexdigest()}:{size}")
    except OSError:
        problem = "is gone, and it cannot be told any more whose account it has"
        raise InputError(f"file {item.name or item.root}", problem, "put it back, then resume the run") from None
    return found


def _address(item: Item) -> str:
    return f"{item.root}/{item.name}" if item.name else item.root


def _holds_records(path: str) -> bool:
    """Whether a file is more than a header: of those data sets that have nobody in common may have the same."""
    try:
        with files.opened(path) as stream:
            head = stream.read(_HEAD)
            if head.startswith(b"PAR1"):
                return bool(pq.read_metadata(stream).num_rows)
        return len(head) == _HEAD or len(head.decode("utf-8").splitlines()) > 1
    except (OSError, InputError, pa.ArrowException, UnicodeDecodeError):
        return True  # it is packed, of another encoding, or gone meanwhile


def _table_id(table: Path) -> str | None:
    """The id of a Delta table, which its versions and its copies have in common."""
    log = table / "_delta_log"
    for commit in sorted(log.glob("*.json")):
        for line in commit.read_text(encoding="utf-8").splitlines():
            if "metaData" in line and "metaData" in (action := json.loads(line)):
                return str(action["metaData"]["id"])
    for checkpoint in sorted(log.glob("*.checkpoint*.parquet")):
        if "metaData" in pq.read_schema(checkpoint).names:
            for row in pq.read_table(checkpoint, columns=["metaData"])["metaData"].to_pylist():
                if row is not None:
                    return str(row["id"])
    return None


def _digest(entry: files.Entry) -> str:
    changed = entry.tag or str(Path(entry.path).stat().st_mtime_ns)
    return _hashed(entry.path, entry.size, changed)


@lru_cache(maxsize=1 << 16)
def _hashed(path: str, size: int, changed: str) -> str:
    """SHA-256 of a file of a size, by when it was changed, or its tag: before the work several commands ask for it."""
    del size, changed
    with files.opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _earlier(plan: Plan) -> list[Entry]:
    """What the ledger beside the run folders holds, under the names that data sets have now."""
    file = beside(plan)
    if file is None:
        return []
    entries = Ledger(append_log.LineFile(file)).entries()
    return [entry.renamed(name_now(entry.data_set)) for entry in entries]
