"""How the files of a CSV are laid out, as everything that reads them is told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from synth_spark.plan.sources.folders import Partitions

#: Suffixes by which Spark unpacks a file, whatever it is.
_UNPACKED_BY_SPARK = (".gz", ".bz2", ".deflate", ".lz4", ".snappy", ".zst", ".zstd", ".xz")
#: Codecs of Python → charsets under which Spark's reader decodes them alike.
_DECODED_BY_SPARK = {"utf-8": "UTF-8", "ascii": "UTF-8", "iso8859-1": "ISO-8859-1"}


def is_pattern(path: str) -> bool:
    """Whether Spark takes a path for a pattern.

    >>> is_pattern("cases[1].csv"), is_pattern("cases 1.csv")
    (True, False)
    """
    return any(sign in path for sign in "*?[]{}\\")


class Told(Protocol):
    """What a plan says of a source of files; see `synth_spark.plan.Location`."""

    @property
    def all_paths(self) -> tuple[str, ...]:
        """Its files and folders."""

    @property
    def delimiter(self) -> str | None:
        """The delimiter, if the plan names one."""

    @property
    def quote(self) -> str:
        """The quote."""

    @property
    def escape(self) -> str | None:
        """What stands before a quote inside quotes; None where it is doubled."""

    @property
    def encoding(self) -> str:
        """The encoding."""

    @property
    def multiline(self) -> bool:
        """Whether quoted values may hold line breaks."""

    @property
    def header(self) -> bool | None:
        """Whether files begin with names; None where that is to be looked at."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns of files without a header."""

    @property
    def sheet(self) -> str | None:
        """The sheet of a workbook, if the plan names one."""

    @property
    def resolved_delimiter(self) -> str:
        """The delimiter as given, else by the suffix."""


@dataclass(frozen=True)
class Dialect:
    """How records are written as text.

    Attributes:
        codec: encoding, as Python names it.
        delimiter: between fields.
        quote: around values.
        escape: what stands before a quote inside quotes; the quote itself where it is doubled.
        multiline: whether quoted values may hold line breaks.
    """

    codec: str
    delimiter: str
    quote: str
    escape: str
    multiline: bool


@dataclass(frozen=True)
class CsvFile:
    """A file of a CSV.

    Attributes:
        path: absolute.
        packing: of its bytes; None if it is not packed.
        header: names of its columns, in its own order.
        skipped: how many records at its beginning are no data: 1 for a header, else 0.
        partitions: the folders ``name=value`` that it is in.
        separated: whether a line ``sep=``, which is no record, stands before all others.
    """

    path: str
    packing: str | None
    header: tuple[str, ...]
    skipped: int
    partitions: Partitions = ()
    separated: bool = False

    @property
    def name(self) -> str:
        """Its name without folders, for messages."""
        return Path(self.path).name

    def by_spark(self, dialect: Dialect) -> bool:
        """Whether Spark's own reader reads it exactly as it is told here; what else there is, tasks read themselves."""
        suffix = Path(self.path).suffix
        packed = self.packing == "gzip" and suffix == ".gz"
        plain = self.packing is None and suffix.lower() not in _UNPACKED_BY_SPARK
        named = not self.name.startswith(("_", ".")) and ":" not in self.name and self.path.isprintable()
        named = named and not is_pattern(self.path)
        told = dialect.codec in _DECODED_BY_SPARK and not dialect.multiline and not self.separated
        told = told and dialect.delimiter > " "  # Spark's reader drops lines of nothing but tabs and blanks
        return (packed or plain) and named and told


@dataclass(frozen=True)
class Csv:
    """A source of CSV files.

    Attributes:
        names: of its columns, those of folders ``name=value`` last.
        dialect: how its records are written.
        files: in order.
        has_header: whether they begin with names.
        passed_over: what its folders hold that is not read, each with the reason.
    """

    names: tuple[str, ...]
    dialect: Dialect
    files: tuple[CsvFile, ...]
    has_header: bool = True
    passed_over: tuple[str, ...] = ()

    @property
    def charset(self) -> str:
        """The name that Spark's reader is given for the encoding."""
        return _DECODED_BY_SPARK[self.dialect.codec]

    @property
    def sentence(self) -> str:
        """How it was read, for people (SENSITIVE: names of files)."""
        packings = sorted({file.packing or "not packed" for file in self.files})
        dialect = self.dialect
        escape = "doubled quotes" if dialect.escape == dialect.quote else f"quotes behind {dialect.escape!r}"
        header = "a header" if self.has_header else "no header"
        return (
            f"{_counted(len(self.files))} of CSV ({', '.join(packings)}) with {header}, encoding {dialect.codec}, "
            f"delimiter {dialect.delimiter!r}, quote {dialect.quote!r}, {escape}"
        )


def _counted(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"
