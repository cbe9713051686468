"""What the user asks for: a frozen, strict plan, read from YAML and from the command line. No Spark here."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from synth_spark.errors import PlanError

_FORMATS = {".csv": "csv", ".csv.gz": "csv", ".tsv": "csv", ".tsv.gz": "csv", ".parquet": "parquet"}
_RUN_ID = re.compile(r"(?=.*[A-Za-z])[0-9A-Za-z][0-9A-Za-z_-]{0,62}")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Input(_Strict):
    """Where the sensitive records are, and how to read a value."""

    path: str | None = Field(
        None, description="File or folder: CSV (also gzipped), Parquet, or a Delta table's folder."
    )
    table: str | None = Field(
        None, description="Catalog table, instead of a path: table, schema.table or catalog.schema.table."
    )
    format: Literal["csv", "parquet", "delta"] | None = Field(
        None, description="Format of the path; default: by its suffix."
    )
    delimiter: str | None = Field(
        None, min_length=1, max_length=1, description="Field delimiter of a CSV; default: a comma, a tab for .tsv."
    )
    multiline: bool = Field(
        False, description="Whether quoted CSV values may hold line breaks (such files are read whole)."
    )
    columns: tuple[str, ...] = Field((), description="Columns to use, by exact name; default: all.")
    sensitive_zeros: tuple[str, ...] = Field(
        (), description="Columns in which the value 0 is information; elsewhere 0 is absent."
    )
    max_value_length: int = Field(1000, ge=1, description="Longest value accepted, in characters.")

    def resolved_format(self) -> str:
        """The format of the input: as given, else by suffix.

        Raises:
            PlanError: neither or both of path and table are given, or the suffix says nothing.
        """
        if (self.path is None) == (self.table is None):
            raise PlanError("input", "needs either a path or a table", "give exactly one of input.path and input.table")
        if self.path is None:
            return "table"
        if self.format is not None:
            return self.format
        name = self.path.rstrip("/").lower()
        for suffix in sorted(_FORMATS, key=len, reverse=True):
            if name.endswith(suffix):
                return _FORMATS[suffix]
        if (Path(self.path) / "_delta_log").is_dir():
            return "delta"
        raise PlanError("input.format", "cannot be told from the path's suffix", "set it to csv, parquet or delta")


class KAnonymity(_Strict):
    """Every published combination, of any length, occurs in at least k sensitive records; counts are multiples of k."""

    kind: Literal["k_anonymity"] = "k_anonymity"
    k: int = Field(10, ge=2, strict=True, description="Privacy resolution: smallest count released, and rounding unit.")


#: The privacy terms: a sum type, told apart by ``kind``.
Privacy = KAnonymity


class Synthesis(_Strict):
    """How synthetic records are made."""

    kind: Literal["row_seeded", "value_seeded", "unseeded"] = Field(
        "row_seeded",
        description="Grown from sensitive records, whose lost values are placed; from values alone; or drawn column by "
        "column, without placing what is lost.",
    )
    groups: int = Field(
        1_024, ge=1, strict=True, description="Most groups of seeds; more groups, more diverse records, more work."
    )
    power: float = Field(
        1.25, ge=0, le=10, description="How strongly frequent values are preferred when a record grows (row_seeded)."
    )
    packing: Literal["relative_deficit", "deficit", "count"] = Field(
        "relative_deficit", description="What decides which value a record is given of those that were left over."
    )


class Output(_Strict):
    """Where the release goes."""

    path: str = Field("out", min_length=1, description="Folder of the published tables.")
    format: Literal["parquet", "delta"] = Field("parquet", description="Format of the published tables.")


class Plan(_Strict):
    """One release, as asked for."""

    title: str = Field("Synthetic release", description="Title of the release, as shown to its readers.")
    input: Input
    privacy: Privacy = KAnonymity()
    reporting_length: int = Field(
        3, ge=1, le=8, strict=True, description="R: longest combination that is counted and reported."
    )
    synthesis: Synthesis = Synthesis()
    task_memory: int = Field(
        1_024, ge=1, strict=True, description="Most memory of one synthesis task, in MB: larger tables are cut to fit."
    )
    output: Output = Output()
    work: str | None = Field(None, description="Folder of the sensitive run folders; default: <output.path>.work")
    run_id: str | None = Field(None, description="Name of the run; default: time and a random suffix.")
    seed: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="Random seed; default: from the operating system."
    )

    @field_validator("run_id")
    @classmethod
    def _check_run_id(cls, value: str | None) -> str | None:
        if value is not None and not _RUN_ID.fullmatch(value):
            raise ValueError("must be 1 to 63 letters, digits, '-' or '_', with at least one letter")
        return value

    @property
    def work_folder(self) -> Path:
        """Folder that holds the sensitive run folders."""
        return Path(self.work if self.work is not None else self.output.path.rstrip("/") + ".work")


def load(path: str | None, overrides: dict[str, Any]) -> Plan:
    """Read a plan from YAML (or start from nothing) and apply overrides given by dotted keys.

    Raises:
        PlanError: the file is missing or not YAML, or a key or value is not understood.
    """
    content: Any = {}
    if path is not None:
        try:
            content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise PlanError("plan", f"cannot be read ({error.strerror})", "give the path of a YAML file") from None
        except (yaml.YAMLError, UnicodeDecodeError):
            raise PlanError("plan", "is not valid YAML", "compare it with conf/example.yml") from None
        if not isinstance(content, dict):
            raise PlanError("plan", "is not a mapping of keys to values", "compare it with conf/example.yml")
    for key, value in overrides.items():
        _set(content, key, value)
    return parse(content)


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
        field = ".".join(where) or "plan"
        if first["type"] == "extra_forbidden":
            known = _keys_at(where[:-1])
            raise PlanError(field, "is not a key of the plan", f"did you mean {nearest(where[-1], known)}?") from None
        if first["type"] == "missing":
            raise PlanError(field, "is missing", f"set {field}") from None
        problem = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise PlanError(field, f"is not valid: {problem}", "see `synth-spark schema` for what is allowed") from None


def delimiter_of(source: Input) -> str:
    """The delimiter of a CSV: as given, else by its suffix."""
    if source.delimiter is not None:
        return source.delimiter
    return "\t" if ".tsv" in Path((source.path or "").lower()).suffixes else ","


def used_columns(header: list[str], source: Input) -> tuple[str, ...]:
    """The columns of the input that the plan uses, in the input's order.

    Raises:
        PlanError: the plan names a column that the input does not have.
    """
    for name in source.columns:
        if name not in header:
            remedy = f"did you mean {nearest(name, header)}?"
            raise PlanError("input.columns", f"names no column of the input: '{name}'", remedy)
    return tuple(name for name in header if name in source.columns) if source.columns else tuple(header)


def nearest(name: str, known: list[str]) -> str:
    """The known name that a mistyped one most resembles, quoted; or the list of all, when none does."""
    folded = {candidate.lower(): candidate for candidate in known}
    match = difflib.get_close_matches(name.lower(), list(folded), n=1, cutoff=0.5)
    if match:
        return f"'{folded[match[0]]}'"
    shown = sorted(known)[:12]
    return "one of " + ", ".join(f"'{candidate}'" for candidate in shown) + (" …" if len(known) > len(shown) else "")


def dump(plan: Plan) -> str:
    """The plan as YAML, every default written out."""
    return yaml.safe_dump(plan.model_dump(mode="json"), sort_keys=False)


def _set(content: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for parent in parents:
        inner = content.setdefault(parent, {})
        if not isinstance(inner, dict):
            raise PlanError(key, f"'{parent}' holds a value, not further keys", "see `synth-spark schema`")
        content = inner
    content[last] = value


def _keys_at(where: list[str]) -> list[str]:
    model: type[BaseModel] = Plan
    for part in where:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return list(model.model_fields)
