"""Packages without Spark: what is in them, that it is what was published, and that nothing else is."""

import csv
import errno
import io
import json
import os
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from packing import contents, put, table
from random_tables import few
from showing import released

from synth_spark.cli.main import main
from synth_spark.errors import PlanError, PublishError
from synth_spark.exports.data_package import package
from synth_spark.exports.data_package.archive import archive
from synth_spark.exports.data_package.codebook import generalisation
from synth_spark.exports.data_package.data import OFFERED, csv_lines
from synth_spark.exports.data_package.release_metadata import short_name
from synth_spark.exports.showcase import ShowcaseTables
from synth_spark.exports.spreadsheets import FORMULA, inert, inert_text, original_text
from synth_spark.plan import PublicationTerms, parse
from synth_spark.publish.published_release import open_release
from synth_spark.schema import tables

HOSTILE = ["=1+1", '=HYPERLINK("http://x")', "+1", "-2", "@a", "a,b", 'say "hi"', "two\nlines", "a\r\nb", " padded ",
           "NA", "nan", "null", "007", "שלום ☃", "'", "\t=1", "\\N", "|<b>*_"]  # fmt: skip
TERMS = {
    "licence": "cc-by-4.0", "publisher": "Institute", "publisher_url": "https://example.org", "keywords": ["a", "b"],
    "authors": [{"family": "Doe", "given": "Jane", "orcid": "0000-0002-1825-0097"}, {"name": "Team"}],
    "contact": "data@example.org", "doi": "10.5281/zenodo.1003150", "url": "https://example.org/data", "version": 1.0,
    "name": "cases", "temporal": "2015/2024", "spatial": ["Earth"],
}  # fmt: skip
CASES = pd.DataFrame(
    {
        "sex": ["Woman", "Man", None, "Woman"] * 6,
        "=age": ["under 18", "18 to <28", None, "28 to <38"] * 6,
        "means": ["debt;threats", "threats", None, "debt"] * 6,
    }
)


def with_plan(source: ShowcaseTables, **changes: Any) -> ShowcaseTables:
    """The same tables, with other keys in the published plan."""
    row = source.table("release").to_pylist()[0]
    row["plan"] = json.dumps(json.loads(row["plan"]) | changes)
    return ShowcaseTables({**source.tables, "release": pa.table({name: [value] for name, value in row.items()})})


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = released(
        CASES, k=2, delimiters={"means": ";"}, title="Cases of 2024", description="Invented cases.",
        columns={"sex": {"title": "Gender", "description": "As told.", "labels": {"Woman": "Women"}}},
    )  # fmt: skip
    reading = {"multi_values": {"means": ";"}, "numbers": {"=age": {"width": "10", "bottom": "18", "origin": "0"}}}
    documents = {"RELEASE.md": "# As published\n", "report.html": "<p>report</p>", "secret.md": "not offered"}
    source = with_plan(source, input=reading, publication=TERMS)
    return put(source, tmp_path_factory.mktemp("packaging") / "out", documents=documents)


@pytest.fixture(scope="module")
def files(out: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents(package(open_release(out), tmp_path_factory.mktemp("zips")))


def packed(source: ShowcaseTables, folder: Path, **options: Any) -> dict[str, bytes]:
    """The package of tables in memory."""
    return contents(package(open_release(put(source, folder / "out", **options)), folder))


# --- what is in it


def test_it_holds_what_it_says_and_nothing_else(files: dict[str, bytes]) -> None:
    offered = ("synthetic_records", "aggregates", "evaluation", "fidelity", "differences", "quality_results")
    documents = {
        "README.md", "RELEASE.md", "report.html", "showcase.html", "codebook.md", "codebook.csv", "codebook_values.csv",
        "release.json", "LICENCE.txt", "CITATION.cff", "CITATION.txt", "datapackage.json", "SHA256SUMS",
    }  # fmt: skip
    assert set(files) == documents | {f"data/{name}.{form}" for name in offered for form in ("csv", "parquet")}
    assert files["RELEASE.md"] == b"# As published\n"
    readme = files["README.md"].decode()
    for name in set(files) - {"README.md"}:
        assert (name.removesuffix(".parquet") if name.endswith(".parquet") else name) in readme, name
    assert "QUALITY.md" not in readme  # was not published
    assert "Every record is shared by at least 2." in readme
    assert "begin with `=`" in readme
    assert "`'=1+1` was published as `=1+1`" in readme


def test_only_tables_that_are_safe_by_declaration_are_offered(tmp_path: Path) -> None:
    declared = {one.name: one for one in vars(tables).values() if isinstance(one, tables.Table)}
    assert all(declared[name].sensitivity is tables.Sensitivity.SAFE for name in OFFERED)
    source = released(CASES[["sex"]])
    smuggled = ShowcaseTables({**source.tables, "audit_results": pa.table({"secret": ["exact figures"] * 2})})
    found = packed(smuggled, tmp_path, documents={"inspect.md": "exact figures"})
    assert not [name for name in found if "audit" in name or "inspect" in name]
    assert b"exact figures" not in b"".join(found.values())


def test_csv_and_parquet_hold_what_was_published(files: dict[str, bytes], out: Path) -> None:
    for name in ("synthetic_records", "aggregates", "quality_results"):
        published = open_release(out).arrow(name)
        assert pq.read_table(io.BytesIO(files[f"data/{name}.parquet"])).equals(published.replace_schema_metadata(None))
        texts = published.to_pandas().astype(object)
        told = table(files, f"data/{name}.csv")
        assert list(told.columns) == published.schema.names
        if name == "synthetic_records":
            assert told.astype(object).where(told.notna(), None).equals(texts.where(texts.notna(), None))
        if name == "aggregates":
            assert told["protected_count"].astype(int).tolist() == texts["protected_count"].tolist()


def test_hostile_values_and_headers_are_told_and_none_is_run(tmp_path: Path) -> None:
    header = ["=cmd|' /C calc'!A0", 'quo"ted', "a,b", "line\nbreak"]
    frame = pd.DataFrame(dict.fromkeys(header, HOSTILE * 2))
    found = packed(released(frame, longest=1), tmp_path)
    text = found["data/synthetic_records.csv"].decode()
    cells = list(csv.reader(io.StringIO(text, newline="")))
    assert [list(map(original_text, line)) for line in cells] == [header, *([value] * 4 for value in HOSTILE * 2)]
    assert cells[0][0] == "'=cmd|' /C calc'!A0"
    assert cells[1][0] == "'=1+1"
    assert text.endswith("\r\n")
    assert pd.read_parquet(io.BytesIO(found["data/synthetic_records.parquet"])).equals(frame)
    for name in (name for name in found if name.endswith(".csv")):
        lines = csv.reader(io.StringIO(found[name].decode(), newline=""))
        assert not [cell for line in lines for cell in line if run_by_spreadsheets(cell)], name
    described = {one["path"]: one for one in json.loads(found["datapackage.json"])["resources"]}
    told = [one["name"] for one in described["data/synthetic_records.csv"]["schema"]["fields"]]
    assert told == cells[0]
    exact = [one["name"] for one in described["data/synthetic_records.parquet"]["schema"]["fields"]]
    assert exact == header
    assert "apostrophe" in described["data/synthetic_records.csv"]["description"]
    assert table(found, "data/synthetic_records.csv").equals(frame)
    values = table(found, "codebook_values.csv")
    assert set(values.value) == set(HOSTILE)
    assert set(values.column) == set(header)
    assert (values.synthetic_count == "2").all()
    heading = "| |<b>*_ | ".replace("|<b>*_", r"\|\<b\>\*\_")
    assert heading.strip() in found["codebook.md"].decode()


def run_by_spreadsheets(cell: str) -> bool:
    """Whether OWASP's page on CSV injection names the beginning of a cell; blanks before a sign are no help."""
    return cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠")) and not re.fullmatch(r"-?[0-9.]+", cell)


SIGNS = st.text(st.sampled_from("'=+-@\t\r\n ＝＠a,1"), max_size=6)


@given(st.lists(SIGNS, max_size=20))
def test_apostrophes_can_be_taken_away_and_leave_nothing_to_run(values: list[str]) -> None:
    written = inert(pa.array(values, pa.string())).to_pylist()
    assert written == [inert_text(value) for value in values]
    assert not [one for one in written if one.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠"))]
    assert [original_text(one) for one in written] == values
    assert len(set(written)) == len(set(values))


def test_numbers_stay_numbers_and_lists_stay_lists() -> None:
    batch = pa.RecordBatch.from_pydict({"n": [-5], "x": [-0.5], "many": [["=1", "b"]], "text": ["-5"]})
    assert csv_lines(batch).decode() == '-5,-0.5,"[""=1"",""b""]",\'-5\r\n'


def test_the_showcase_s_download_goes_by_the_same_pattern() -> None:
    script = resources.files("synth_spark.exports.showcase").joinpath("app/records.js").read_text(encoding="utf-8")
    assert re.findall("const FORMULA = /(.*)/;", script) == [FORMULA]
    assert script.count("quoted(inert(") == script.count("quoted(") == 2


@few
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=4))] * 2), max_size=8))
def test_csv_is_what_the_standard_library_reads(rows: list[tuple[str | None, str | None]]) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([row[at] for row in rows], pa.string()) for at in (0, 1)], ["a", "b"])
    lines = csv_lines(batch).decode()
    told = [list(map(original_text, line)) for line in csv.reader(io.StringIO(lines, newline=""), strict=True)]
    assert told == [[a or "", b or ""] for a, b in rows]
    quotes = sum(cell == "" for row in rows for cell in row)
    assert len(re.findall(r'(?:^|(?<=,)|(?<=\n))""(?=,|\r\n)', lines)) >= quotes  # an empty text is not a null


def test_lists_are_json_arrays_and_a_lone_column_has_a_line_a_row(tmp_path: Path) -> None:
    source = released(pd.DataFrame({"kinds": ["x", "y", None] * 4}), longest=1)
    records = pa.table({"kinds": pa.array([["d1", 'd"2'], ["d1"], None] * 4, pa.list_(pa.string()))})
    counts = pa.table({"length": pa.array([1, 1], pa.int32()), "kinds": pa.array([["d1"], ['d"2']]),
                       "protected_count": pa.array([8, 4])})  # fmt: skip
    found = packed(ShowcaseTables({**source.tables, "synthetic_records": records, "aggregates": counts}), tmp_path)
    assert found["data/synthetic_records.csv"].count(b"\r\n") == 13
    cells = table(found, "data/synthetic_records.csv")["kinds"].tolist()
    assert [json.loads(cell) if isinstance(cell, str) else None for cell in cells] == records["kinds"].to_pylist()
    values = table(found, "codebook_values.csv").set_index("value")
    assert values.synthetic_count.to_dict() == {"d1": "8", 'd"2': "4"}
    assert values.protected_count.to_dict() == {"d1": "8", 'd"2': "4"}
    described = {one["path"]: one for one in json.loads(found["datapackage.json"])["resources"]}
    assert described["data/synthetic_records.csv"]["schema"]["fields"][0]["type"] == "array"


def test_tables_of_many_batches_are_whole_and_in_order(tmp_path: Path) -> None:
    source, rows = released(pd.DataFrame({"n": ["0", "1"] * 4}), longest=1), 150_001
    records = pa.table({"n": [str(place % 977) if place % 5 else None for place in range(rows)]})
    found = packed(ShowcaseTables({**source.tables, "synthetic_records": records}), tmp_path)
    assert pq.read_table(io.BytesIO(found["data/synthetic_records.parquet"])).equals(records)
    expected = pd.Series(records["n"].to_pylist())
    assert table(found, "data/synthetic_records.csv")["n"].where(lambda cells: cells.notna(), None).equals(expected)
    own = table(found, "codebook.csv").set_index("table").loc["synthetic_records"]
    assert (own["values"], own.missing) == ("977", str(expected.isna().sum()))
    assert table(found, "codebook_values.csv").synthetic_count.astype(int).sum() == expected.notna().sum()


# --- the codebook


def test_counts_of_the_codebook_are_those_of_the_tables(files: dict[str, bytes], out: Path) -> None:
    records, aggregates = (open_release(out).arrow(name).to_pandas() for name in ("synthetic_records", "aggregates"))
    singles = aggregates[aggregates.length == 1]
    values = table(files, "codebook_values.csv")
    assert set(values.column) == set(records.columns)
    for column in records.columns:
        cells = records[column].dropna()
        synthetic = Counter(part for cell in cells for part in (cell.split(";") if column == "means" else [cell]))
        own = values[values.column == column].set_index("value")
        assert own.synthetic_count.astype(int).to_dict() == dict(synthetic)
        told = singles.dropna(subset=[column]).set_index(column).protected_count
        assert own.protected_count.dropna().astype(int).to_dict() == told.to_dict()
    assert values[values.column == "=age"].value.tolist() == ["under 18", "18 to <28", "28 to <38"]
    columns = table(files, "codebook.csv")
    assert set(zip(columns.table, columns.column, strict=True)) == {
        (name, column)
        for name in open_release(out).tables
        if name != "release"
        for column in open_release(out).arrow(name).schema.names
    }
    own = columns[columns.table == "synthetic_records"].set_index("column")
    assert own.missing.astype(int).to_dict() == records.isna().sum().to_dict()
    assert own["values"].astype(int).to_dict() == {"sex": 2, "=age": 3, "means": 2}


def test_the_codebook_tells_what_the_plan_says(files: dict[str, bytes]) -> None:
    columns = table(files, "codebook.csv")
    own = columns[columns.table == "synthetic_records"].set_index("column")
    assert own.loc["sex", ["title", "meaning", "type"]].tolist() == ["Gender", "As told.", "string"]
    assert own.loc["means", "form"] == 'several values, separated by ";"'
    assert own.loc["=age", "generalisation"] == "numbers became intervals of width 10; below 18 is one"
    values = table(files, "codebook_values.csv").set_index("value")
    assert values.loc["Woman", "label"] == "Women"
    counts = columns[columns.table == "aggregates"].set_index("column")
    assert "protected count" in counts.loc["protected_count", "meaning"]
    readable = files["codebook.md"].decode()
    assert "| Woman | Women | 12 | 12 |" in readable
    assert "rounded down to a multiple of 2" in readable


@pytest.mark.parametrize(
    ("reading", "told", "said"),
    [
        ({"numbers": {"x": {"edges": ["18", "30"], "width": None}}}, {}, "that begin at 18, 30; below and above"),
        ({"numbers": {"x": {"quantiles": 5}}}, {}, "5 intervals of about as many records"),
        ({"numbers": {"x": {"width": "5", "origin": "2", "top": "70"}}}, {}, "begins at 2; 70 and above is one"),
        ({"numbers": {"x": {"width": None, "quantiles": None}}}, {}, "intervals, whose ends the values name"),
        ({"dates": {"x": {"to": "quarter"}}}, {}, "dates became quarters"),
        ({"dates": {"x": {"to": "half"}}}, {}, "dates became half-years"),
        ({"subject": {"take": {"x": "most_frequent"}}}, {}, "the most frequent value was taken"),
        ({}, {"grouped": ["x"]}, "codes became groups"),
        ({"numbers": {"y": {"quantiles": 5}}, "subject": None}, {"grouped": ["y"]}, ""),
    ],
)
def test_how_values_became_coarser(reading: dict[str, Any], told: dict[str, Any], said: str) -> None:
    found = generalisation({"input": reading}, told, "x")
    assert said in found
    assert bool(said) == bool(found)


def test_counts_with_noise_have_their_intervals(tmp_path: Path) -> None:
    source = released(CASES[["sex"]], noisy=True)
    row = source.table("release").to_pylist()[0] | {"privacy": "differential_privacy", "k": None}
    source = ShowcaseTables({**source.tables, "release": pa.Table.from_pylist([row])})
    found = packed(source, tmp_path)
    values = table(found, "codebook_values.csv").set_index("value")
    assert values.loc["Woman", ["protected_count", "standard_error", "low", "high"]].tolist() == [
        "12",
        "1.5",
        "9",
        "15",
    ]
    assert "carry noise" in found["codebook.md"].decode()


def test_columns_of_indicators_are_explained(tmp_path: Path) -> None:
    source = released(CASES, delimiters={"means": ";"})
    held = [[None if not isinstance(cell, str) or value not in cell else "1" for cell in CASES.means]
            for value in ("debt", "threats")]  # fmt: skip
    wide = pa.table({"sex": pa.array(CASES.sex, pa.string()), "means_debt": held[0], "means_threats": held[1]})
    columns = table(packed(ShowcaseTables({**source.tables, "synthetic_indicators": wide}), tmp_path), "codebook.csv")
    own = columns[columns.table == "synthetic_indicators"].set_index("column")
    assert own.loc["means_debt", ["title", "meaning"]].tolist() == [
        "Means: debt", "1 where the record holds this value of means"
    ]  # fmt: skip


# --- licence, citation, descriptor


def test_the_citation_file_is_valid(files: dict[str, bytes]) -> None:
    """Keys, types and patterns that version 1.2.0 asks for."""
    cff = yaml.safe_load(files["CITATION.cff"])
    assert cff["cff-version"] == "1.2.0"
    assert (cff["type"], cff["title"], cff["license"]) == ("dataset", "Cases of 2024", "CC-BY-4.0")
    assert cff["authors"] == [
        {"family-names": "Doe", "given-names": "Jane", "orcid": "https://orcid.org/0000-0002-1825-0097"},
        {"name": "Team"},
    ]
    assert cff["date-released"] == "2026-03-04"
    assert cff["version"] == "1.0"
    assert cff["contact"] == [{"name": "Institute", "email": "data@example.org"}]
    known = {"cff-version", "message", "type", "title", "abstract", "authors", "version", "date-released", "keywords",
             "doi", "url", "license", "license-url", "contact"}  # fmt: skip
    assert set(cff) <= known
    text = "Doe, Jane; Team (2026): Cases of 2024 (synthetic data set), version 1.0. Institute. "
    assert files["CITATION.txt"].decode() == f"{text}https://doi.org/10.5281/zenodo.1003150\n"
    assert text in files["README.md"].decode()
    licence = files["LICENCE.txt"].decode()
    assert "Creative Commons Attribution 4.0 International (CC-BY-4.0)" in licence
    assert "https://creativecommons.org/licenses/by/4.0/" in licence


def test_what_was_not_stated_is_said_to_be_so(tmp_path: Path) -> None:
    found = packed(released(CASES[["sex"]]), tmp_path)
    assert found["LICENCE.txt"].decode().startswith("No licence was stated: ask the publisher")
    assert "No licence was stated" in found["README.md"].decode()
    cff = yaml.safe_load(found["CITATION.cff"])
    assert cff["authors"] == [{"name": "authors not stated (publication.authors)"}]
    assert not {"license", "license-url"} & set(cff)
    assert not {"licenses", "contributors"} & set(json.loads(found["datapackage.json"]))
    assert found["RELEASE.md"].startswith(b"# A release\n\n1. This release")  # from the table: no document is known


@pytest.mark.parametrize(
    ("terms", "licence", "cited"),
    [
        ({"licence": "CC-BY-3.0-IGO"}, "Creative Commons Attribution 3.0 IGO", "license-url"),
        (
            {"licence": "Terms of the archive", "licence_url": "https://a.example/x"},
            "https://a.example/x",
            "license-url",
        ),
        ({"licence_text": "Ask first.\nThen use."}, "Ask first.\nThen use.", None),
        ({"licence": "Internal use"}, "Licence: Internal use", None),
    ],
)
def test_licences_of_every_kind(terms: dict[str, str], licence: str, cited: str | None, tmp_path: Path) -> None:
    found = packed(with_plan(released(CASES[["sex"]]), publication=terms), tmp_path)
    assert licence in found["LICENCE.txt"].decode()
    assert "No licence was stated" not in found["README.md"].decode()
    assert {"license", "license-url"} & set(yaml.safe_load(found["CITATION.cff"])) == ({cited} if cited else set())
    (entry,) = json.loads(found["datapackage.json"])["licenses"]
    assert {"name", "path"} & set(entry)


def test_the_descriptor_describes_every_file(files: dict[str, bytes]) -> None:
    told = json.loads(files["datapackage.json"])
    assert re.fullmatch("[a-z0-9._-]+", told["name"])
    assert told["licenses"] == [{"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/",
                                 "title": "Creative Commons Attribution 4.0 International"}]  # fmt: skip
    assert {one["role"] for one in told["contributors"]} == {"author", "publisher"}
    assert told["id"] == "https://doi.org/10.5281/zenodo.1003150"
    names = [one["name"] for one in told["resources"]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z0-9._-]+|readme-md", name) for name in names), names
    paths = {one["path"]: one for one in told["resources"]}
    assert set(paths) == set(files) - {"datapackage.json", "SHA256SUMS"}
    for path, one in paths.items():
        assert one["bytes"] == len(files[path])
        assert one["hash"].startswith("sha256:")
        assert ("type" in one) == path.endswith(".parquet"), "the standard's library can only compare bytes of these"
        if path.startswith("data/"):
            frame = pd.read_parquet(io.BytesIO(files[path.replace(".csv", ".parquet")]))
            header = [inert_text(name) if path.endswith(".csv") else name for name in frame.columns]
            assert [column["name"] for column in one["schema"]["fields"]] == header
    types = {column["name"]: column["type"] for column in paths["data/aggregates.csv"]["schema"]["fields"]}
    assert (types["length"], types["protected_count"], types["sex"]) == ("integer", "integer", "string")


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"license": "x"}, "publication.license"),
        ({"licence": "two\nlines"}, "publication.licence"),
        ({"licence": " "}, "publication.licence"),
        ({"licence_url": "javascript:alert(1)"}, "publication.licence_url"),
        ({"url": "example.org"}, "publication.url"),
        ({"contact": "nobody"}, "publication.contact"),
        ({"doi": "https://doi.org/10.5281/x"}, "publication.doi"),
        ({"name": "../up"}, "publication.name"),
        ({"name": "Cases"}, "publication.name"),
        ({"authors": [{"name": "A", "family": "B"}]}, "publication.authors.0"),
        ({"authors": [{"given": "A"}]}, "publication.authors.0"),
        ({"authors": [{"family": "A", "orcid": "1"}]}, "publication.authors.0.orcid"),
        ({"keywords": ["a", "a"]}, "publication"),
        ({"publisher_url": "https://x.example"}, "publication"),
        ({"citation": "a\x00b"}, "publication.citation"),
        ({"publisher": "a\u202eb"}, "publication.publisher"),
    ],
)
def test_terms_that_are_refused(terms: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse({"input": {"path": "x.csv"}, "publication": terms})
    assert caught.value.field == field


def test_what_is_documented_is_a_plan() -> None:
    root = Path(__file__).parents[3]
    (text,) = re.findall(r"```yaml\n(.*?)```", (root / "docs" / "package.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = yaml.safe_load(text)["publication"]
    parse({"input": {"path": "x.csv"}, "publication": shown})
    assert set(PublicationTerms.model_fields) - set(shown) == {"licence_url", "licence_text", "citation"}


# --- the file


def test_the_same_release_gives_the_same_bytes(out: Path, tmp_path: Path) -> None:
    one = package(open_release(out), tmp_path / "deep" / "one.zip")
    (tmp_path / "two.zip").write_bytes(b"the one before")
    os.link(tmp_path / "two.zip", tmp_path / "held.zip")  # as a reader holds it
    two = package(open_release(out), tmp_path / "two.zip")
    assert (tmp_path / "held.zip").read_bytes() == b"the one before"
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as zipped:
        found = zipped.infolist()
    assert {entry.date_time for entry in found} == {(2026, 3, 4, 5, 6, 6)}
    assert {entry.external_attr >> 16 for entry in found} == {0o100644}
    assert {entry.filename.partition("/")[0] for entry in found} == {"cases-R-1"}
    assert all(not entry.filename.startswith("/") and ".." not in entry.filename for entry in found)


def test_checksums_hold(out: Path, tmp_path: Path) -> None:
    file = package(open_release(out), tmp_path)
    assert file == tmp_path / "cases-R-1.zip"
    with zipfile.ZipFile(file) as zipped:
        zipped.extractall(tmp_path)
    check = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    folder = tmp_path / "cases-R-1"
    assert subprocess.run(check, cwd=folder).returncode == 0
    listed = {line.partition("  ")[2] for line in (folder / "SHA256SUMS").read_text().splitlines()}
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there - listed == {"SHA256SUMS"}
    (folder / "LICENCE.txt").write_text("Do what you like.")
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


@pytest.mark.parametrize("title", ["../../etc/passwd", "a/b\\c:d", "  ", "Ünï", "事例", "x" * 300, "-rf *", "CON."])
def test_names_are_fit_for_files(title: str, tmp_path: Path) -> None:
    assert re.fullmatch("[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?", short_name(title))
    assert (
        package(open_release(put(released(CASES[["sex"]], title=title), tmp_path / "out")), tmp_path).parent == tmp_path
    )


def test_what_was_changed_after_it_was_published_is_refused(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    document = tmp_path / "out" / "_documents" / "R-1" / "RELEASE.md"
    document.write_text("# Trust me\n")
    with pytest.raises(PublishError, match=r"document RELEASE.md: is not what was published"):
        package(open_release(tmp_path / "out"), tmp_path / "x.zip")
    document.write_text("# As published\n")
    package(open_release(tmp_path / "out"), tmp_path / "x.zip")
    before = (tmp_path / "x.zip").read_bytes()
    file = open_release(tmp_path / "out").files("aggregates")[0]
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(PublishError, match="table aggregates: is not what was audited"):
        package(open_release(tmp_path / "out"), tmp_path / "x.zip")
    assert (tmp_path / "x.zip").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "x.zip"]


@pytest.mark.parametrize("limit", [0, 100, 3_000, 20_000])
def test_a_full_disk_leaves_nothing(limit: int, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.zip").write_bytes(b"the one before")
    opened = Path.open

    class Full(io.FileIO):
        def write(self, content: Any) -> int:
            if self.tell() + len(content) > limit:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(content) or 0

    def filling(self: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
        return Full(str(self), "w") if self.suffix == ".partial" else opened(self, mode, *args, **options)

    monkeypatch.setattr(Path, "open", filling)
    with pytest.raises(PublishError, match=r"--output: could not be written \(No space left on device\); free space"):
        package(open_release(out), tmp_path / "x.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]
    assert (tmp_path / "x.zip").read_bytes() == b"the one before"


def test_an_interruption_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with archive(tmp_path / "x.zip", "x", datetime(2026, 1, 1, tzinfo=UTC)) as zipped, zipped.open("a") as sink:
            sink.write(b"half")
            assert [path.name for path in tmp_path.iterdir()] == ["x.zip.partial"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_the_command(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["package", str(out)]) == 0
    assert "Packaged R-1: cases-R-1.zip (" in capsys.readouterr().out
    assert main(["package", str(out), "--run-id", "R-1", "--output", "given.zip"]) == 0
    assert (tmp_path / "given.zip").read_bytes() == (tmp_path / "cases-R-1.zip").read_bytes()
    assert main(["package", str(out), "--run-id", "other"]) == 6
    assert main(["package", str(out), "--output", "given.zip/x.zip"]) == 6
    assert "--output: could not be written" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases-R-1.zip", "given.zip"]
