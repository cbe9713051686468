"""What local files were recognised as, in sentences, and as the lines of a plan that say so explicitly."""

from typing import Any

import yaml

from synth_spark.plan.input import Input, Location
from synth_spark.plan.sources.json_lines import JsonLines
from synth_spark.plan.sources.layout import Csv
from synth_spark.plan.sources.preview import Recognised, recognised
from synth_spark.plan.sources.workbooks import Sheets


def description(source: Input) -> list[str]:
    """What the local files of an input were recognised as, for people (SENSITIVE: names of files).

    Args:
        source: the input part of a plan.

    Returns:
        Lines: sentences, and below them the part of a plan that says the same; none where Spark alone can look.

    Raises:
        InputError, PlanError: as `recognised` of the formats.
    """
    parts: dict[str, Location] = {**source.sources} or {"": source}
    found = {}
    for name, location in parts.items():
        where = f"input.sources.{name}" if name else "input"
        one = recognised(location, where)
        if one is not None:
            found[name] = (where, one)
    if not found:
        return []
    lines = [line for where, one in found.values() for line in told(where, one)]
    keys = {name: _keys(one) for name, (_, one) in found.items()}
    content = {"input": {"sources": keys} if source.sources else keys[""]}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return [*lines, "In a plan (YAML), the same said explicitly:", *(f"  {line}" for line in text.splitlines())]


def told(where: str, source: Recognised) -> tuple[str, ...]:
    """What people are told of a source of files: how it is read, and what of its folders is not.

    Args:
        where: the part of the plan that names it.
        source: what it was recognised as.
    """
    return (f"{where}: {source.sentence}", *(f"{where}: passed over {name}" for name in source.passed_over))


def _keys(source: Recognised) -> dict[str, Any]:
    """The keys of a plan that say what was recognised."""
    if isinstance(source, Csv):
        dialect = source.dialect
        keys = {"format": "csv", "delimiter": dialect.delimiter, "quote": dialect.quote}
        keys |= {} if dialect.escape == dialect.quote else {"escape": dialect.escape}
        header = _header(source.has_header, source.files[0].header)
        return {**keys, "encoding": dialect.codec, "multiline": dialect.multiline, **header}
    if isinstance(source, JsonLines):
        return {"format": "jsonl", "encoding": source.files[0].codec}
    if isinstance(source, Sheets):
        first = source.files[0]
        return {"format": "excel", "sheet": first.sheet, **_header(first.has_header, first.header)}
    return {"format": "parquet"}


def _header(has_header: bool, names: tuple[str, ...]) -> dict[str, Any]:
    return {"header": True} if has_header else {"header": False, "names": list(names)}
