"""A release as a data portal offers it: one zip of its tables, what they mean, what is guaranteed, licence, checksums.

It is made of published tables alone, and of published documents whose hashes the manifest knows. Only tables that are
named here *and* by the manifest get in. The same release gives the same bytes: entries have a fixed order and the time
of the publication, and nothing in them depends on when or where the package is made.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synth_spark.exports.data_package.archive import Archive, archive
from synth_spark.exports.data_package.citation import citation_cff, citation_text, licence_text
from synth_spark.exports.data_package.codebook import codebook, codebook_text, columns_table, values_table
from synth_spark.exports.data_package.data import OFFERED, csv_header, csv_lines, write_table
from synth_spark.exports.data_package.descriptor import descriptor
from synth_spark.exports.data_package.readme import DOCUMENTS, readme
from synth_spark.exports.data_package.release_metadata import About, about
from synth_spark.exports.showcase import ShowcaseTables, showcase
from synth_spark.publish.column_notes import delimiters
from synth_spark.publish.published_release import PublishedRelease
from synth_spark.report.narrative import release_text
from synth_spark.schema.published_columns import COUNT_COLUMNS
from synth_spark.schema.root_layout import QUALITY_TEXT, RELEASE_TEXT, REPORT, SHOWCASE

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession

__all__ = ["package"]

#: Documents that go in as they were published; the showcase is made anew, and is the same.
_AS_PUBLISHED = (RELEASE_TEXT, QUALITY_TEXT, REPORT)
#: Columns of the table ``release`` that hold JSON.
_JSON = ("plan", "versions", "content_hashes", "sentences", "presentation", "spent")


def package(release: PublishedRelease, target: Path | None = None, spark: "SparkSession | None" = None) -> Path:
    """Make the package of a release.

    Args:
        release: the release.
        target: file, or folder that is there; default: ``<data set>-<run>.zip`` in the current folder.
        spark: a session with Delta; needed for slices of Delta tables only.

    Returns:
        The file. One that was there is replaced, in one step.

    Raises:
        PublishError: the release is not what was audited, lacks a table, or the file cannot be written.
    """
    release.verify()
    source = ShowcaseTables.of(release, spark)
    metadata = about(release, source)
    file = target if target is not None else Path()
    file = file / f"{metadata.folder}.zip" if file.is_dir() else file
    with archive(file, metadata.folder, metadata.published) as zipped:
        _fill(zipped, release, source, metadata)
    return file


def _fill(zipped: Archive, release: PublishedRelease, source: ShowcaseTables, metadata: About) -> None:
    fields = {field.name: field for field in source.fields(delimiters(dict(metadata.plan)))}
    written = [
        write_table(zipped, release, source, name, fields) for name in OFFERED if name in release.manifest["tables"]
    ]
    counts = next(one for one in written if one.name == "aggregates")
    figures = [name for name in COUNT_COLUMNS if name in counts.schema.names]
    book = codebook(metadata, written, fields)
    zipped.write("codebook.md", codebook_text(metadata, book, written, figures))
    _write_csv(zipped, "codebook.csv", columns_table(book))
    _write_csv(zipped, "codebook_values.csv", values_table(book, figures))
    documents = _documents(release, source, metadata)
    for name, text in documents.items():
        zipped.write(name, text)
    paths = {entry.path for entry in zipped.entries} | {"datapackage.json", "SHA256SUMS"}
    zipped.write("README.md", readme(metadata, written, [name for name in DOCUMENTS if name in paths]))
    zipped.write("datapackage.json", descriptor(metadata, book, written, zipped.entries))
    zipped.write("SHA256SUMS", zipped.sums())


def _documents(release: PublishedRelease, source: ShowcaseTables, metadata: About) -> dict[str, str]:
    """The texts of a package that are not made of its files."""
    documents = {name: text for name in _AS_PUBLISHED if (text := release.document(name)) is not None}
    documents.setdefault(RELEASE_TEXT, release_text(str(metadata.row["title"]), json.loads(metadata.row["sentences"])))
    row: dict[str, Any] = {
        name: json.loads(cell) if name in _JSON and cell else cell for name, cell in metadata.row.items()
    }
    return {
        **documents,
        SHOWCASE: showcase(source),
        "release.json": json.dumps(row, indent=1, ensure_ascii=False) + "\n",
        "LICENCE.txt": licence_text(metadata),
        "CITATION.txt": citation_text(metadata) + "\n",
        "CITATION.cff": citation_cff(metadata),
    }


def _write_csv(zipped: Archive, name: str, rows: "pa.RecordBatch") -> None:
    zipped.write(name, (csv_header(rows.schema.names) + csv_lines(rows)).decode())
