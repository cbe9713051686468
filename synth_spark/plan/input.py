"""The part of a plan that says where the sensitive records are and what their values mean."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from synth_spark.errors import PlanError
from synth_spark.plan.addresses import LocalOrStoredPath, ReadPath, as_seen
from synth_spark.plan.date_patterns import check_pattern
from synth_spark.plan.sources.formats import FORMATS, format_of

#: A number as it is written, so that 0.1 stays 0.1.
Number = Annotated[Decimal, Field(allow_inf_nan=False)]
#: A value of a record, as its text.
Text = Annotated[str, Field(min_length=1)]


def as_text(value: Any) -> Any:
    """Numbers of a YAML file as they are meant where values are written: as their text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _tab(value: Any) -> Any:
    r"""A tab where it is written as ``\t``, as people do who cannot type one."""
    return "\t" if value == "\\t" else value


#: A value or code of a record; YAML reads some as numbers.
Code = Annotated[str, BeforeValidator(as_text)]


class Strict(BaseModel):
    """A part of a plan: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Location(Strict):
    """Where one table is, and how its files are to be read."""

    path: ReadPath | None = Field(
        None, description="File or folder: CSV or JSON lines (also packed), Excel, Parquet, or a Delta table's folder."
    )
    paths: tuple[ReadPath, ...] = Field(
        (), description="Several files or folders of the same columns, instead of a path."
    )
    table: str | None = Field(
        None, description="Catalog table, instead of a path: table, schema.table or catalog.schema.table."
    )
    sql: str | None = Field(None, description="SQL query, instead of a path.")
    format: Literal["csv", "jsonl", "excel", "parquet", "delta"] | None = Field(
        None, description="Format of the path; default: by its suffix, or those of the files in it."
    )
    delimiter: Annotated[str | None, BeforeValidator(_tab)] = Field(
        None,
        min_length=1,
        max_length=1,
        description="Field delimiter of a CSV, \\t for a tab; default: a comma, a tab for .tsv.",
    )
    quote: str = Field('"', min_length=1, max_length=1, description="Quote of a CSV; doubled, it stands for itself.")
    escape: str | None = Field(
        None, min_length=1, max_length=1, description="What stands before a quote in quotes, if it is not doubled."
    )
    encoding: str = Field("UTF-8", min_length=1, description="Encoding of a CSV or of JSON lines, as Python names it.")
    header: bool | None = Field(
        None,
        description="Whether a CSV or a sheet begins with names; default: it does, and what seems a record is refused.",
    )
    names: tuple[Text, ...] = Field((), description="Names of the columns of a CSV or a sheet without a header.")
    sheet: Text | None = Field(None, description="Sheet of an Excel workbook; default: the only one that it has.")
    multiline: bool = Field(
        False, description="Whether quoted CSV values may hold line breaks (such files are read whole)."
    )
    version: int | None = Field(None, ge=0, strict=True, description="Version of a Delta table; default: the latest.")
    timestamp: str | None = Field(None, description="Time of a Delta table's version, instead of its number.")

    @property
    def all_paths(self) -> tuple[str, ...]:
        """The path, or all paths, as this machine sees them."""
        return tuple(map(as_seen, self.paths if self.path is None else (self.path,)))

    def resolved_format(self, where: str = "input") -> str:
        """The format: csv, jsonl, excel, parquet, delta, table or sql; as given, else by suffix.

        Raises:
            PlanError: not exactly one of path, table and sql is given, the suffix says nothing, or the format has no
                sheets and one is named.
        """
        given = [name for name in ("path", "paths", "table", "sql") if getattr(self, name)]
        if len(given) != 1:
            names = f"{where}.path, {where}.table and {where}.sql"
            raise PlanError(where, "needs a path, a table or a query", f"give exactly one of {names}")
        kind: str | None = given[0] if given[0] in ("table", "sql") else self.format
        if kind is None:
            formats = {format_of(path) for path in self.all_paths}
            kind = formats.pop() if len(formats) == 1 else None
        if kind is None:
            raise PlanError(f"{where}.format", "cannot be told from the path's suffix", f"set it to {FORMATS}")
        if self.sheet is not None and kind != "excel":
            raise PlanError(f"{where}.sheet", f"is given for {kind}, which has no sheets", "leave it out")
        return kind

    @property
    def resolved_delimiter(self) -> str:
        """The delimiter of a CSV: as given, else by its suffix."""
        if self.delimiter is not None:
            return self.delimiter
        return "\t" if any(".tsv" in Path(path.lower()).suffixes for path in self.all_paths) else ","


class Source(Location):
    """One organisation's records, with its own column names and codes."""

    columns: dict[str, str] = Field(
        {}, description="Its column names → those of the release; columns that are not named here are left out."
    )
    values: dict[str, dict[Code, Code]] = Field(
        {}, description="For columns of the release: its codes → their values; an empty text is absent."
    )
    others: Literal["keep", "absent", "error"] = Field(
        "keep", description="What becomes of a code that `values` does not list for its column."
    )


class Subject(Strict):
    """Rows of the same person or case become one record."""

    id: str = Field(min_length=1, description="Column that tells whose a row is; it never leaves the reading.")
    ignore_case: bool = Field(False, description="Whether ids that differ in case alone are the same.")
    across_sources: bool = Field(
        False,
        description="Whether the same id in two sources is the same subject; if not, one who is in several sources "
        "counts once in each, and k counts that.",
    )
    order: str | None = Field(
        None,
        description="Column that puts a subject's rows in order; left out unless another key names it.",
    )
    take: dict[str, Literal["first", "last", "most_frequent"]] = Field(
        {}, description="For columns where a subject may have several values: which one is taken."
    )

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.order is None and {"first", "last"} & set(self.take.values()):
            raise ValueError("needs subject.order to tell first and last")
        return self


class Bins(Strict):
    """Numbers become intervals: between given edges, of one width, or with about as many records each."""

    edges: tuple[Number, ...] = Field((), description="Where intervals begin, ascending; below and above are two more.")
    width: Annotated[Number, Field(gt=0)] | None = Field(None, description="Width of every interval.")
    origin: Number = Field(Decimal(0), description="Where one of the intervals of `width` begins.")
    quantiles: int | None = Field(
        None, ge=2, le=100, strict=True, description="Number of intervals that hold about as many rows each."
    )
    bottom: Number | None = Field(None, description="What is below is one interval.")
    top: Number | None = Field(None, description="What is at or above is one interval.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if sum([bool(self.edges), self.width is not None, self.quantiles is not None]) != 1:
            raise ValueError("needs exactly one of edges, width and quantiles")
        if any(low >= high for low, high in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        if self.bottom is not None and self.top is not None and self.bottom >= self.top:
            raise ValueError("bottom must be below top")
        if self.width is None and (self.bottom is not None or self.top is not None):
            raise ValueError("bottom and top go with width; edges and quantiles have ends of their own")
        return self


class Dates(Strict):
    """Dates and times become the period that they lie in."""

    to: Literal["year", "half", "quarter", "month", "week", "day"] = Field(description="The period.")
    format: str | None = Field(
        None,
        description="How dates are written (Spark pattern); default: ISO 8601. What is written less finely than the "
        "period, a year for a month, is absent.",
    )

    @property
    def parts(self) -> int:
        """How many of year, month and day tell the period."""
        return {"year": 1, "half": 2, "quarter": 2, "month": 2}.get(self.to, 3)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.format is not None:
            check_pattern(self.format, self.parts)
        return self


class Groups(Strict):
    """Codes become groups: a hierarchy's upper level, from a mapping table or written here."""

    values: dict[Code, Code] = Field({}, description="Code → group.")
    path: ReadPath | None = Field(None, description="File or Delta table of the mapping, instead of `values`.")
    sheet: Text | None = Field(None, description="Its sheet, if the path is an Excel workbook of several.")
    code: str | None = Field(None, description="Its column of codes.")
    group: str | None = Field(None, description="Its column of groups.")
    others: Literal["keep", "absent", "error"] = Field("error", description="What becomes of a code without a group.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.values) == (self.path is not None):
            raise ValueError("needs either values or the path of a mapping table")
        if self.path is not None and (self.code is None or self.group is None):
            raise ValueError("needs code and group, the columns of the mapping table")
        return self


class Constraint(Strict):
    """A structural rule that every record keeps: where `when` holds, only what `then` allows; or what never meets."""

    when: dict[str, Code] = Field({}, description="Column → value; the rule is about records that hold all of these.")
    then: dict[str, tuple[Code, ...]] = Field(
        {}, description="Column → values allowed there; none: it is empty. An absent value is always allowed."
    )
    forbid: dict[str, Code] = Field({}, description="Column → value; no record holds all of these.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.forbid) == bool(self.when or self.then):
            raise ValueError("needs either when and then, or forbid")
        if self.forbid and len(self.forbid) < 2:
            raise ValueError("forbid needs two columns or more")
        if not self.forbid and not (self.when and self.then):
            raise ValueError("needs both when and then")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        return (*self.when, *self.then, *self.forbid)

    @property
    def contradicted(self) -> tuple[str, ...]:
        """The columns of which `then` does not allow what `when` asks for: each record it is about breaks the rule."""
        return tuple(name for name, value in self.when.items() if name in self.then and value not in self.then[name])

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """The columns and values that it speaks of, each pair once."""
        allowed = [(name, value) for name, values in self.then.items() for value in values]
        return tuple(dict.fromkeys([*self.when.items(), *allowed, *self.forbid.items()]))


class Input(Location):
    """Where the sensitive records are, and how to read a value."""

    sources: dict[str, Source] = Field(
        {}, description="Several organisations' tables, by name, instead of one path, table or query."
    )
    source_column: str | None = Field(None, description="Column that keeps the name of a record's source.")
    rename: dict[str, str] = Field({}, description="Old name → new name; all other keys speak of the new ones.")
    columns: tuple[str, ...] = Field((), description="Columns to use, by exact name; default: all.")
    null_markers: tuple[Code, ...] = Field((), description="Texts that mean absent, such as NA.")
    trim: bool = Field(
        False, description="Whether blanks around values go where they are content: in quotes, in tables."
    )
    sensitive_zeros: tuple[str, ...] = Field(
        (), description="Columns in which 0 (or false) is information; elsewhere it is absent."
    )
    multi_values: dict[str, Text] = Field(
        {}, description="Columns with several values a record → what separates them; list columns need no mention."
    )
    numbers: dict[str, Bins] = Field({}, description="Columns of numbers → intervals.")
    dates: dict[str, Dates] = Field({}, description="Columns of dates → periods; a period alone may stand for {to: …}.")
    groups: dict[str, Groups] = Field({}, description="Columns of codes → groups.")
    subject: Subject | None = Field(
        None, description="What joins the rows of a person; default: a row is a record, and k counts records."
    )
    constraints: tuple[Constraint, ...] = Field((), description="Structural rules that every synthetic record keeps.")
    on_violation: Literal["drop_values", "drop_record", "error"] = Field(
        "drop_values",
        description="What becomes of a record that breaks a rule: loses the values of `then` (of the last column of "
        "`forbid`), or goes, or stops the run.",
    )
    identifiers: tuple[str, ...] = Field(
        (), description="Columns accepted although nearly every record has its own value."
    )
    record_limit: int | None = Field(
        None,
        ge=1,
        strict=True,
        description="Most records read, to try a plan out: the first rows, of several sources in turn; or so many "
        "subjects, with all their rows, chosen by a hash of source and id.",
    )
    max_value_length: int = Field(1000, ge=1, description="Longest value accepted, in characters.")
    since: LocalOrStoredPath | None = Field(
        None,
        min_length=1,
        description="Run folder of an earlier run: only files, or versions of a Delta table, that it has not counted "
        "are read, and their counts are added to its own.",
    )

    @field_validator("dates", mode="before")
    @classmethod
    def _read_periods(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: {"to": period} if isinstance(period, str) else period for name, period in value.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.numbers.keys() & self.dates.keys():
            raise ValueError(f"column '{name}' is in both numbers and dates")
        if len(set(self.rename.values())) < len(self.rename):
            raise ValueError("rename gives two columns the same name")
        if self.source_column is not None and not self.sources:
            raise ValueError("source_column needs sources")
        if self.sources and self.rename:
            raise ValueError("rename is for a single source; sources have columns of their own")
        if self.since is not None:
            self._check_additive()
        return self

    def _check_additive(self) -> None:
        """Raise `ValueError` for what makes a record, or whether it is read, depend on others: counts do not add up."""
        if self.subject is not None:
            raise ValueError("since cannot go with subject: rows of a person may be old and new; make a full run")
        if self.record_limit is not None:
            raise ValueError(
                "since cannot go with record_limit: which records are read depends on all; make a full run"
            )
        if any(bins.quantiles is not None for bins in self.numbers.values()):
            raise ValueError(
                "since cannot go with quantiles: they move with the records; give edges, or make a full run"
            )
        if any(part.table or part.sql for part in (self, *self.sources.values())):
            raise ValueError(
                "since is for files and Delta folders: of tables and queries it cannot be told what is new"
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The paths of all its files, those of mapping tables, too."""
        paths = [*self.all_paths, *(path for source in self.sources.values() for path in source.all_paths)]
        return (*paths, *(group.path for group in self.groups.values() if group.path is not None))

    @property
    def formats(self) -> set[str]:
        """The formats of all sources."""
        if not self.sources:
            return {self.resolved_format()}
        return {source.resolved_format(f"input.sources.{name}") for name, source in self.sources.items()}

    @property
    def contradictions(self) -> tuple[tuple[str, str, int], ...]:
        """Rules that every record breaks which they are about: where they stand, why, and for how many columns."""
        what = (
            "columns of which `then` does not allow the value of `when`: every record that it is about breaks the rule"
        )
        return tuple(
            (f"input.constraints.{number}", what, len(rule.contradicted))
            for number, rule in enumerate(self.constraints)
            if rule.contradicted
        )

    @property
    def is_plain(self) -> bool:
        """Whether a record is a row of one table as it stands: a look at the head tells its shape."""
        plain = Input(path=self.path, table=self.table, sql=self.sql, columns=self.columns)
        layout = {
            "format",
            "delimiter",
            "quote",
            "escape",
            "encoding",
            "header",
            "names",
            "sheet",
            "multiline",
            "sensitive_zeros",
            "trim",
            "max_value_length",
            "identifiers",
        }
        return self.model_copy(update={name: getattr(plain, name) for name in layout}) == plain
