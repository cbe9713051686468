"""What whoever opens a package reads first: what is in it, what is guaranteed and what is not, how to open it."""

from collections.abc import Sequence

from synth_spark.exports.data_package.citation import NO_LICENCE, citation_text, licence_name
from synth_spark.exports.data_package.data import Written
from synth_spark.exports.data_package.release_metadata import About
from synth_spark.exports.spreadsheets import FORMULA
from synth_spark.schema.plain_text import plain
from synth_spark.schema.root_layout import QUALITY_TEXT, RELEASE_TEXT, REPORT, SHOWCASE

#: File → what is in it, in the order of the README.
DOCUMENTS = {
    RELEASE_TEXT: "the release in numbered sentences: how it was made, what is guaranteed, how good it is",
    QUALITY_TEXT: "the audit: every rule that was checked on what was published",
    REPORT: "the release and its audit, with charts",
    SHOWCASE: "the release, to be explored; opens in a browser, without a network",
    "codebook.md": "every column, and the values of the data with their counts, to be read",
    "codebook.csv": "every column of every file",
    "codebook_values.csv": "every value of the data, with its published and its synthetic count",
    "release.json": "the published plan, versions, content hashes",
    "LICENCE.txt": "what may be done with the data",
    "CITATION.txt": "how to cite them",
    "CITATION.cff": "the same for machines (Citation File Format 1.2.0)",
    "datapackage.json": "files, columns and hashes for machines (Frictionless Data)",
    "SHA256SUMS": "checksums of all files",
}
#: The apostrophe before a text that a spreadsheet would run.
_SIGN = f"^'(?={FORMULA.removeprefix('^')})"
_OPENING = """\
## How to open it

- **Check it** in this folder: `sha256sum -c SHA256SUMS` (macOS: `shasum -a 256 -c SHA256SUMS`).
- **CSV** is UTF-8, with commas, CRLF and a header; an empty cell is a missing value, a list is a JSON array. All
  columns of the data are text, also where it looks like a number. Tell your tool so, or it may change values such as
  `007`, `NA` or `2-1`:

  ```python
  frame = pd.read_csv("data/synthetic_records.csv", dtype=str, keep_default_na=False, na_values=[""])
  ```

  ```r
  frame <- readr::read_csv("data/synthetic_records.csv", col_types = readr::cols(.default = "c"), na = "")
  ```

- **Spreadsheets** run cells that begin with `=`, `+`, `-`, `@`, a tab or a line break. So that they do not, such texts
  and headers have an apostrophe before them in all CSV files: `'=1+1` was published as `=1+1`. (Texts that begin with
  apostrophes before such a sign got one more; numbers are as they are.) To take it away:

  ```python
  sign = r"SIGN"
  frame = frame.apply(lambda texts: texts.str.replace(sign, "", regex=True))
  frame.columns = frame.columns.str.replace(sign, "", regex=True)
  ```

  ```r
  sign <- "TWICE"
  frame[] <- lapply(frame, function(texts) sub(sign, "", texts, perl = TRUE))
  names(frame) <- sub(sign, "", names(frame), perl = TRUE)
  ```

  Import the CSV with every column as text all the same (Excel: Data, From Text/CSV, without detection of data types;
  LibreOffice: column type Text, “evaluate formulas” off): other values, such as `2-1`, would become dates.
- **Parquet** holds the same rows in the same order, with types and every value as it was published, and needs none of
  this.
""".replace("SIGN", _SIGN).replace("TWICE", _SIGN.replace("\\", r"\\"))


def readme(about: About, written: Sequence[Written], files: Sequence[str]) -> str:
    """The README of a package (Markdown).

    Args:
        about: what the release tells of itself.
        written: the tables in the package.
        files: names of its documents.
    """
    terms, row = about.terms, about.row
    lines = [f"# {plain(about.title)}", "", *([plain(about.description), ""] if about.description else [])]
    lines += [
        f"Release `{about.run_id}`, published {about.published:%Y-%m-%d}, made by synth-spark: counts that are "
        "protected, and synthetic records. **No record in it is a person.**",
        "",
        "## What is guaranteed",
        "",
        str(row["guarantee"]),
        "",
        *([about.limits, ""] if about.limits else []),
        "Take counts from `data/aggregates` where they are there; counts taken from the synthetic records are "
        "estimates, those of one column too unless `RELEASE.md` says that they are equal. What is missing from a table "
        "was too rare to be told, was left out so that others prove nothing, or does not exist. `RELEASE.md` says "
        "more, in numbered sentences.",
        "",
        "## What is in it",
        "",
        "| file | |",
        "|---|---|",
        *(f"| `data/{one.name}.csv`, `.parquet` | {one.grain}; {one.rows:,} rows |" for one in written),
        *(f"| `{name}` | {text} |" for name, text in DOCUMENTS.items() if name in files),
        "",
        _OPENING,
        "## Licence and citation",
        "",
        _licence(about),
        "",
        plain(citation_text(about)),
        "",
    ]
    facts = {
        "Publisher": " ".join(filter(None, (plain(terms.publisher or ""), _address(terms.publisher_url)))),
        "Contact": _address(terms.contact),
        "Page": _address(terms.url),
        "Time": plain(terms.temporal or ""),
        "Places": plain(", ".join(terms.spatial)),
        "Keywords": plain(", ".join(terms.keywords)),
    }
    lines += [f"- {name}: {text}" for name, text in facts.items() if text]
    return "\n".join(lines).rstrip() + "\n"


def _address(text: str | None) -> str:
    """A web or e-mail address as a link of Markdown; the plan lets none have a blank or an angle bracket."""
    return f"<{text}>" if text else ""


def _licence(about: About) -> str:
    name = licence_name(about)
    if name or about.licence_url:
        return plain(name) if name else _address(about.licence_url)
    return "See `LICENCE.txt`." if about.terms.licence_text else NO_LICENCE
