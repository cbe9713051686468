"""Plans from YAML and from the command line, and back."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from synth_spark.errors import PlanError
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.model import Plan
from synth_spark.plan.names import nearest
from synth_spark.plan.privacy import DifferentialPrivacy, KAnonymity
from synth_spark.plan.yaml_text import Typed, read_yaml, settled, type_at

#: Keys for which the value of one key below them may stand → that key.
_STANDS_FOR = {"ledger": "address"}
#: The kinds of privacy, which say where a key stands but are none.
_KINDS = {"k_anonymity": KAnonymity, "differential_privacy": DifferentialPrivacy}
#: Short names of keys that are often set, which the command and the library share → the keys that each sets.
SHORTCUTS: dict[str, tuple[str, ...]] = {
    "since": ("input.since",),
    "k": ("privacy.k",),
    "epsilon": ("privacy.epsilon",),
    "delta": ("privacy.delta",),
    "public_domain": ("privacy.public_domain",),
    "assess": ("assessment.rehearsal", "assessment.redaction"),
    "length": ("reporting_length",),
}


def load(path: str | None, overrides: dict[str, Any]) -> Plan:
    """Read a plan from YAML (or start from nothing) and apply overrides given by dotted keys.

    Args:
        path: of the YAML file, if there is one.
        overrides: dotted key → its value; `Typed` where it was typed on the command line.

    Raises:
        PlanError: the file is missing or not YAML, or a key or value is not understood.
    """
    if path is None:
        return composed({}, overrides)
    return composed(read_file(path), overrides, Path(path).parent)


def read_file(path: str) -> dict[str, Any]:
    """The content of a plan's file, as `read_yaml` gives it.

    Raises:
        PlanError: the file is missing, not YAML, or no mapping.
    """
    _check_local(path, "plan")
    try:
        return read_text(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError("plan", f"cannot be read ({error.strerror})", "give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise PlanError("plan", "is not valid YAML: its bytes are not UTF-8", "save it as UTF-8") from None


def read_text(text: str) -> dict[str, Any]:
    """The content of a plan's YAML, as `read_yaml` gives it.

    Raises:
        PlanError: it is not YAML, or no mapping.
    """
    try:
        content = read_yaml(text)
    except ValueError as error:
        remedy = "put texts with signs such as # | @ [ % in quotes, and compare it with conf/any_table/release.yml"
        raise PlanError("plan", str(error), remedy) from None
    if not isinstance(content, dict):
        raise PlanError("plan", "is not a mapping of keys to values", "compare it with conf/any_table/release.yml")
    return content


def composed(content: dict[str, Any], overrides: Mapping[str, Any], beside: Path | None = None) -> Plan:
    """A plan of a content and of keys that are to be others.

    Args:
        content: nested mappings, which are not changed; as `read_yaml` gives them where they are of a file.
        overrides: dotted key → its value; `Typed` where it was typed on the command line.
        beside: the folder in which a file of rules is looked for; default: the current one.

    Raises:
        PlanError: a key or value is not understood.
    """
    content = copy.deepcopy(content)
    for key, below in _STANDS_FOR.items():
        if key in content and not isinstance(content[key], dict):
            content[key] = {below: content[key]}
    for key, given in overrides.items():
        value = _typed(key, given)
        stands = key in _STANDS_FOR and not isinstance(value, dict)
        _set(content, f"{key}.{_STANDS_FOR[key]}" if stands else key, value)
    if isinstance(content.get("rules"), str):
        _check_local(content["rules"], "rules")
        content["rules"] = _rules((beside or Path()) / content["rules"])
    return parse(settled(content, Plan))


def _typed(key: str, value: Any) -> Any:
    """The value of an override; one that was typed is read as its key wants."""
    if not isinstance(value, Typed):
        return value
    try:
        return settled(value, type_at(Plan, key.split(".")))
    except ValueError as error:
        remedy = "give a list as [a, b] and a mapping as {a: b}; put texts with signs such as @ [ % in quotes"
        raise PlanError(f"--set {key}", str(error), remedy) from None


def _check_local(path: str, field: str) -> None:
    if scheme_of(path) is not None:
        problem, remedy = "is no file of this machine", "copy it here, or to a file system that is mounted here"
        raise PlanError(field, problem, remedy)


def _rules(path: Path) -> Any:
    """The list in a file of rules; its own mistakes are reported with those of the plan."""
    try:
        rules = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise PlanError(
            "rules", "names no YAML file that can be read", "give its path from the plan's folder"
        ) from None
    return rules if rules is not None else []


def dotted(given: Mapping[str, Any], named: str = "{}") -> dict[str, Any]:
    """Short names as the dotted keys that they stand for.

    Args:
        given: short name → its value; what is None is not given.
        named: what the names look like where they were written, for the message.

    Raises:
        PlanError: k and ε are both given.

    >>> dotted({"k": 5, "epsilon": None, "assess": True})
    {'privacy.k': 5, 'assessment.rehearsal': True, 'assessment.redaction': True}
    """
    if given.get("k") is not None and given.get("epsilon") is not None:
        field = f"{named.format('k')} and {named.format('epsilon')}"
        problem = "exclude each other: a release is either k-anonymous or differentially private"
        raise PlanError(field, problem, "give one of them")
    return {key: value for name, value in given.items() if value is not None for key in SHORTCUTS[name]}


def parse(content: dict[str, Any]) -> Plan:
    """Check a plan given as nested mappings.

    >>> parse({"input": {"path": "cases.csv"}, "privacy": {"kind": "k_anonymity", "K": 5}})
    Traceback (most recent call last):
    ...
    synth_spark.errors.PlanError: privacy.K: is not a key of the plan; did you mean 'k'?
    """
    try:
        return Plan.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = [str(part) for part in first["loc"]]
        field = ".".join(part for part in where if part not in _KINDS) or "plan"
        if first["type"] == "extra_forbidden":
            keys = _keys_at(where[:-1])
            raise PlanError(field, "is not a key of the plan", f"did you mean {nearest(where[-1], keys)}?") from None
        if first["type"] == "missing":
            raise PlanError(field, "is missing", f"set {field}") from None
        if first["type"] == "union_tag_invalid":
            field = f"{field}.kind"
        problem = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise PlanError(field, f"is not valid: {problem}", "see `synth-spark schema` for what is allowed") from None


def dump(plan: Plan, whole: bool = True) -> str:
    """The plan as YAML, which is read as the same plan again.

    Args:
        plan: what was asked for.
        whole: whether every default is written out, too; else only what differs, and of what kind that part is.
    """
    content = plan.model_dump(mode="json", exclude_defaults=not whole)
    for name in ("privacy", "synthesis"):
        if name in content:
            content[name] = {"kind": getattr(plan, name).kind, **content[name]}
    if not whole and content.get("synthesis") == {"kind": "marginal_matching"}:
        del content["synthesis"]  # under differential privacy, which it needs, that is the default
    return yaml.safe_dump(content, sort_keys=False)


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = content.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise PlanError(key, f"'{parent}' holds a value, not further keys", "see `synth-spark schema`")
        content = inner
    content[last] = value


def _keys_at(where: list[str]) -> list[str]:
    """The keys of the part of a plan that a path of keys leads to."""
    at: Any = Plan
    for part in where:  # a key of a part, or of a mapping or a list of parts, or a kind of privacy
        if part in _KINDS:
            at = _KINDS[part]
        else:
            at = _part_in(at.model_fields[part].annotation if hasattr(at, "model_fields") else get_args(at))
    return list(at.model_fields)


def _part_in(annotation: Any) -> Any:
    """The first of some types that is a part of a plan, or a mapping or a list of parts."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (dict, tuple) and any(map(_part_in, get_args(annotation))):
        return annotation
    inner = annotation if isinstance(annotation, tuple) else get_args(annotation)
    return next(filter(None, map(_part_in, inner)), None)
