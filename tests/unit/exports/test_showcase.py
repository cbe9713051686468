"""What a showcase is made of: codes, distinct records, published counts, titles, orders, what may be spoken of."""

import base64
import gzip
import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tables import few
from showing import counted, released

from synth_spark.errors import PlanError
from synth_spark.exports.showcase import check_texts, inline, presentation, showcase
from synth_spark.exports.showcase.encoding import coded, counts, distinct, narrowed
from synth_spark.exports.showcase.payload import packed
from synth_spark.exports.showcase.presentation import charts, column_view
from synth_spark.exports.showcase.values import are_countries, country_codes, in_order, title_of
from synth_spark.plan import Plan, Showcase, parse
from synth_spark.schema.fields import Field

_texts = st.one_of(
    st.none(), st.text(st.characters(codec="utf-8", exclude_characters=";\ue000"), min_size=1, max_size=3)
)
_lists = st.one_of(st.none(), st.lists(st.sampled_from(["a", "b", "c;", "d"]), min_size=1, max_size=3, unique=True))


@few
@given(st.lists(_texts, max_size=30), st.integers(1, 4))
def test_codes_stand_for_their_cells(cells: list[str | None], chunks: int) -> None:
    array = pa.chunked_array([cells[at::chunks] for at in range(chunks)], pa.string())
    found = coded(array, Field("a"))
    back = [None if code == 0 else found.values[found.sets[code - 1][0]] for code in found.codes]
    assert back == array.to_pylist()
    assert list(found.values) == sorted(found.values, key=str.encode)


@few
@given(st.lists(_lists, max_size=30))
def test_codes_of_lists_stand_for_their_values(cells: list[list[str] | None]) -> None:
    found = coded(pa.chunked_array([cells], pa.list_(pa.string())), Field("a", True, None))
    back = [None if code == 0 else {found.values[at] for at in found.sets[code - 1]} for code in found.codes]
    assert back == [None if cell is None else set(cell) for cell in cells]


@few
@given(st.integers(0, 40), st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=False))
def test_distinct_records_are_the_records(rows: int, columns: int, largest: int, chance) -> None:
    codes = [np.array([chance.randint(0, largest) for _ in range(rows)], np.uint8) for _ in range(columns)]
    found = distinct(codes)
    whole = Counter(zip(*(column.tolist() for column in codes), strict=True))
    once = list(zip(*(column.tolist() for column in found.codes), strict=True))
    assert len(set(once)) == len(once)
    assert dict(zip(once, found.weights.tolist(), strict=True)) == whole


@few
@given(st.lists(st.tuples(_texts, _texts, st.sampled_from(["x", "x;y", "y", None])), min_size=1, max_size=25))
def test_published_counts_are_found_by_their_attributes(rows: list[tuple]) -> None:
    records, fields = pd.DataFrame(rows, columns=["a", "b", "c"]), [Field("a"), Field("b"), Field("c", True, ";")]
    told = counted(records, 1, 3, {"c": ";"})
    table = pa.table(
        {name: pa.array(told[name], None if name.startswith(("len", "prot")) else pa.string()) for name in told}
    )
    cells = {name: table[name].drop_null().to_pylist() for name in "abc"}
    several = {one for cell in cells["c"] for one in cell.split(";")}
    values = [sorted(set(cells["a"])), sorted(set(cells["b"])), sorted(several)]
    names = [(field.name, value) for field, own in zip(fields, values, strict=True) for value in own]
    found = counts(table, fields, values, ["protected_count"])
    looked = {
        frozenset(names[at] for at in row): int(figure)
        for own in found.values()
        for row, (figure,) in zip(own.attributes, own.figures, strict=True)
    }
    expected = {}
    for row in told.to_dict("records"):
        parts = [(name, value) for name in "abc" if isinstance(row[name], str)
                 for value in (row[name].split(";") if name == "c" else [row[name]])]  # fmt: skip
        expected[frozenset(parts)] = row["protected_count"]
    assert looked == expected
    for own in found.values():
        tuples = own.attributes.tolist()
        assert tuples == sorted(tuples)
        assert all(row == sorted(row) for row in tuples)


@pytest.mark.parametrize("largest", [0, 255, 256, 65_535, 65_536])
def test_numbers_are_as_narrow_as_they_may_be(largest: int) -> None:
    found = narrowed(np.array([0, largest]))
    assert found.tolist() == [0, largest]
    assert found.dtype.itemsize == (1 if largest < 256 else 2 if largest < 65_536 else 4)


def test_a_payload_can_be_read_as_its_layout_says() -> None:
    arrays = {"one": np.arange(5, dtype=np.uint8), "two": np.array([70_000], np.uint32), "none": np.zeros(0, np.uint16)}
    content = gzip.decompress(base64.b64decode(packed({"title": "é"}, arrays)))
    size = int.from_bytes(content[:4], "little")
    head = json.loads(content[4 : 4 + size])
    assert head["title"] == "é"
    at, found = 4 + size, {}
    for one in head["arrays"]:
        at += -at % 4
        width = int(one["type"].removeprefix("Uint")) // 8
        found[one["name"]] = np.frombuffer(content, f"<u{width}", one["size"], at).tolist()
        at += width * one["size"]
    assert found == {name: array.tolist() for name, array in arrays.items()}
    assert packed({"title": "é"}, arrays) == packed({"title": "é"}, arrays)


@pytest.mark.parametrize(
    ("values", "ordered"),
    [
        (["2019", "2007", "2021"], ["2007", "2019", "2021"]),
        (["48+", "0--8", "9--17", "?", "18--20", "21--23"], ["0--8", "9--17", "18--20", "21--23", "48+", "?"]),
        (["25 to <55", "under 25", "55 or over"], ["under 25", "25 to <55", "55 or over"]),
        (["2024-Q2", "2023-Q4", "2024-Q1"], ["2023-Q4", "2024-Q1", "2024-Q2"]),
        (["-5 to <0", "0 to <5", "under -5", "5 or over"], ["under -5", "-5 to <0", "0 to <5", "5 or over"]),
        (["1.5", "10", "9"], ["1.5", "9", "10"]),
        (["yes", "no"], None),
        (["1", "2"], None),
        (["UKR", "MDA", "PHL"], None),
    ],
)  # fmt: skip
def test_values_with_an_order_are_put_in_it(values: list[str], ordered: list[str] | None) -> None:
    assert in_order(values) == ordered


def test_countries_are_known_by_their_codes() -> None:
    assert len(set(country_codes().values())) == 249
    assert country_codes()["UKR"] == country_codes()["UA"] == "UA"
    assert are_countries(["UA", "MD", "PH"])
    assert not are_countries(["UA", "MD"])


@given(st.text(max_size=20))
def test_every_header_has_a_title(header: str) -> None:
    assert title_of(header) or not header


def showing(config: Showcase) -> Plan:
    """A plan with such a showcase."""
    return parse({"input": {"path": "x.csv"}}).model_copy(update={"showcase": config})


def test_a_plan_speaks_of_published_values_alone() -> None:
    config = Showcase(
        columns={"a": {"order": ["seldom", "x"], "labels": {"seldom": "Seldom", "x": "Ex"}}, "gone": {"title": "Gone"}},
        visuals={"both": [{"a": "seldom"}, {"b": "y"}]},
    )
    told = presentation(showing(config), {"a": ["x", "z"], "b": ["y"]})
    assert "seldom" not in json.dumps(told).lower()
    assert told["columns"]["a"]["order"] == ["x"]
    assert told["visuals"] == {"both": [["b", "y"]]}
    assert "gone" not in told["columns"]


def test_flags_of_one_kind_share_a_chart() -> None:
    names = {"meansDebt": ["1"], "meansThreats": ["1"], "gender": ["W", "M"], "alone": ["1"], "kept": ["1"]}
    columns = [column_view(name, values, {}) for name, values in names.items()]
    told = presentation(showing(Showcase(hidden=("kept",))), names)
    found = charts(columns, told)
    assert [chart["title"] for chart in found] == ["Gender", "Alone", "Means …"]
    assert found[-1]["bars"] == [[0, 0, "Debt"], [1, 0, "Threats"]]
    grouped = charts(columns, presentation(showing(Showcase(groups={"How": ("meansDebt", "alone")})), names))
    assert {chart["title"]: chart["bars"] for chart in grouped}["How"] == [[0, 0], [3, 0]]


def test_names_of_a_showcase_must_be_columns_and_texts() -> None:
    view = {
        "groups": {"g": ["a"]},
        "pages": {"p": ["b", "v"]},
        "visuals": {"v": [{"c": 1}]},
        "hidden": ["d"],
        "columns": {"e": {"title": "E"}},
    }
    config = parse({"input": {"path": "x.csv"}, "showcase": view}).showcase
    assert config.named == set("abcde")
    with pytest.raises(PlanError, match="one column and one value"):
        parse({"input": {"path": "x.csv"}, "showcase": {"visuals": {"v": [{"a": "1", "b": "2"}]}}})
    with pytest.raises(PlanError, match=r"showcase\.texts\.nothing"):
        check_texts(Showcase(texts={"nothing": "nichts"}))
    with pytest.raises(PlanError, match="names no language"):
        check_texts(Showcase(texts={"locale": "Deutsch"}))
    check_texts(Showcase(texts={"page.explore": "Erkunden", "locale": "de-CH"}))


def test_a_showcase_is_one_file_and_the_same_each_time() -> None:
    records = pd.DataFrame({"a": ["</script>", "x", "x", "x"], "b": ["1", None, "1", "1"]})
    page = showcase(released(records, texts={"page.explore": "</script><b>Erkunden"}))
    assert page == showcase(released(records, texts={"page.explore": "</script><b>Erkunden"}))
    assert page.count("</script>") == 2
    assert "default-src 'none'" in page
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    framed = inline(page, 400)
    assert framed.startswith('<iframe srcdoc="&lt;!DOCTYPE html&gt;')
    assert framed.count("<") == 2
