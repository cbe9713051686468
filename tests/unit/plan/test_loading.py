"""Plans: what is understood, what is refused and how it is said; and the numbers that `resolve` derives."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from brute_force import column_tuples, combinations_of
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from random_tables import few

from synth_spark.cli.main import main
from synth_spark.errors import InputError, PlanError, ResourceError
from synth_spark.kernels.cells import CellSpace
from synth_spark.plan import Input, Plan, Typed, dump, load, nearest, parse
from synth_spark.plan.names import RESERVED
from synth_spark.plan.planner import ResolvedPlan, resolve
from synth_spark.plan.sources.preview import look

CONF = Path(__file__).parents[3] / "conf"


def plan_of(**changes: Any) -> Plan:
    """A plan with defaults but for some keys."""
    return parse({"input": {"path": "cases.csv"}, **changes})


def refused(content: dict[str, Any]) -> PlanError:
    """The error that a plan is refused with."""
    with pytest.raises(PlanError) as caught:
        parse(content)
    assert caught.value.exit_code == 2
    return caught.value


# --- parsing


def test_defaults() -> None:
    plan = plan_of()
    assert (plan.privacy.kind, plan.privacy.k, plan.reporting_length) == ("k_anonymity", 10, 3)
    assert (plan.synthesis.kind, plan.output.format, plan.run_id, plan.seed) == ("row_seeded", "parquet", None, None)
    assert plan.input.columns == plan.input.sensitive_zeros == ()


def test_the_examples_are_plans() -> None:
    assert load(str(CONF / "demo" / "release.yml"), {}).privacy.k == 10
    rich = load(str(CONF / "demo" / "partners.yml"), {}).input
    unused = {"path", "paths", "table", "sql", "format", "delimiter", "multiline", "version", "timestamp", "rename"}
    shown = rich.model_dump(exclude_unset=True)
    assert set(Input.model_fields) - set(shown) - unused == {
        "quote", "escape", "encoding", "header", "names", "sheet",
        "columns", "trim", "identifiers", "record_limit", "max_value_length", "since",
    }  # fmt: skip
    assert not rich.is_plain


@pytest.mark.parametrize(
    ("content", "field", "suggested"),
    [
        ({"input": {"path": "x.csv"}, "reporting_lenght": 3}, "reporting_lenght", "'reporting_length'"),
        ({"input": {"path": "x.csv"}, "Title": "x"}, "Title", "'title'"),
        ({"input": {"path": "x.csv"}, "k": 5}, "k", "one of 'accepted', 'assessment', 'data_set'"),
        ({"input": {"path": "x.csv", "colums": ["A"]}}, "input.colums", "'columns'"),
        ({"input": {"path": "x.csv", "sensitive_zeroes": ["A"]}}, "input.sensitive_zeroes", "'sensitive_zeros'"),
        ({"input": {"path": "x.csv"}, "privacy": {"K": 5}}, "privacy.K", "'k'"),
        ({"input": {"path": "x.csv"}, "synthesis": {"group": 5}}, "synthesis.group", "'groups'"),
        ({"input": {"path": "x.csv"}, "output": {"paht": "x"}}, "output.paht", "'path'"),
    ],
)
def test_an_unknown_key_is_refused_and_the_nearest_named(content: dict[str, Any], field: str, suggested: str) -> None:
    error = refused(content)
    assert error.field == field
    assert error.problem == "is not a key of the plan"
    assert error.remedy.startswith(f"did you mean {suggested}")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": "cases.csv"}, "input"),
        ({"input": {"path": 7}}, "input.path"),
        ({"input": {"path": "x.csv", "columns": "A"}}, "input.columns"),
        ({"input": {"path": "x.csv", "columns": ["A", 7]}}, "input.columns.1"),
        ({"input": {"path": "x.csv", "delimiter": ""}}, "input.delimiter"),
        ({"input": {"path": "x.csv", "delimiter": "||"}}, "input.delimiter"),
        ({"input": {"path": "x.csv", "format": "xlsx"}}, "input.format"),
        ({"input": {"path": "x.csv", "max_value_length": 0}}, "input.max_value_length"),
        *(
            ({"input": {"path": "x.csv", "dates": {"seen": {"to": to, "format": pattern}}}}, "input.dates.seen")
            for to, pattern in [
                ("year", "foo"),
                ("year", "YYYY-MM-dd"),
                ("year", ""),
                ("year", "y"),
                ("day", "dd.MM"),
                ("year", "'yyyy"),
                ("month", "yyyy"),
                ("month", "yyyy[-MM]"),
                ("day", "MM/yyyy"),
                ("day", "yyyy-MM-dd[ HH:mm"),
                ("day", "ddd.MM.yyyy"),
                ("week", "EEE dd.MM.yyyy"),
                ("year", "yyyy {MM}"),
                ("year", "dd.mm."),
            ]
        ),
        ({"input": {"path": "x.csv"}, "privacy": {"k": 1}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": 0}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": -10}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": "ten"}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": 10.5}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": None}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"k": [10]}}, "privacy.k"),
        ({"input": {"path": "x.csv"}, "privacy": {"kind": "dp"}}, "privacy.kind"),
        ({"input": {"path": "x.csv"}, "reporting_length": 0}, "reporting_length"),
        ({"input": {"path": "x.csv"}, "reporting_length": 9}, "reporting_length"),
        ({"input": {"path": "x.csv"}, "synthesis": {"kind": "seedless"}}, "synthesis.kind"),
        ({"input": {"path": "x.csv"}, "synthesis": {"groups": 0}}, "synthesis.groups"),
        ({"input": {"path": "x.csv"}, "synthesis": {"power": -0.1}}, "synthesis.power"),
        ({"input": {"path": "x.csv"}, "synthesis": {"power": math.nan}}, "synthesis.power"),
        ({"input": {"path": "x.csv"}, "synthesis": {"power": math.inf}}, "synthesis.power"),
        ({"input": {"path": "x.csv"}, "output": {"format": "csv"}}, "output.format"),
        ({"input": {"path": "x.csv"}, "output": {"path": ""}}, "output.path"),
        ({"input": {"path": "x.csv"}, "seed": -1}, "seed"),
        ({"input": {"path": "x.csv"}, "title": ["x"]}, "title"),
    ],
)
def test_a_wrong_value_is_refused_by_its_dotted_name(content: dict[str, Any], field: str) -> None:
    assert refused(content).field == field


@pytest.mark.parametrize(
    ("keys", "leaves"),
    [
        ({"domain_share": 0.9}, "pairs of columns"),
        ({"record_count_share": 0.2}, "pairs of columns"),  # 0.7 may be chosen for single counts
        ({"selection_share": 0.3}, "pairs of columns"),
        ({"triple_share": 0.2}, "pairs of columns"),
        ({"epsilon": 3, "domain_share": 0.8}, "pairs of columns"),  # 0.12 are for triples
        ({"record_count_share": 0.2, "percentile_share": 0.8, "domain_share": 0.1}, "counts"),
        ({"record_count_share": 0.2, "domain_share": 0.15}, None),
    ],
)
def test_shares_leave_something_for_what_is_released(keys: dict[str, float], leaves: str | None) -> None:
    content = {"input": {"path": "x.csv"}, "privacy": {"epsilon": 1, **keys}}
    if leaves is None:
        assert plan_of(**content).private_terms.record_count_share == 0.2
    else:
        assert f"leave nothing of ρ for {leaves}: lower one of them" in str(refused(content))


@pytest.mark.parametrize(
    ("to", "pattern"),
    [
        ("day", "dd.MM.yyyy"), ("day", "d/M/yy"), ("month", "MMM yyyy"), ("day", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"),
        ("day", "yyyyDDD"), ("month", "MM/yyyy[ dd]"), ("year", "'o''clock' yyyy"), ("day", "yyyy-MM-dd[ HH:mm[:ss]]"),
    ],
)  # fmt: skip
def test_date_patterns(to: str, pattern: str) -> None:
    plan = plan_of(input={"path": "x.csv", "dates": {"seen": {"to": to, "format": pattern}}})
    assert plan.input.dates["seen"].format == pattern


@pytest.mark.parametrize("k", [2, 10, 10**9])
def test_any_k_from_two_is_accepted(k: int) -> None:
    assert plan_of(privacy={"k": k}).privacy.k == k


@pytest.mark.parametrize("run_id", ["r1", "a", "2024-05-run", "A_b-9", "0x", "a" * 63])
def test_names_of_runs(run_id: str) -> None:
    assert plan_of(run_id=run_id).run_id == run_id


@pytest.mark.parametrize(
    "run_id",
    ["", "123", "2024-05-01", "a" * 64, "-a", "_a", "a b", "a/b", "..", "../a", "a.b", "é", "a\x00", "a\nb", " a", 7],
)
def test_what_is_no_name_of_a_run(run_id: object) -> None:
    assert refused({"input": {"path": "x.csv"}, "run_id": run_id}).field == "run_id"


def test_a_name_of_a_run_does_not_end_in_a_line_break() -> None:
    assert refused({"input": {"path": "x.csv"}, "run_id": "a\n"}).field == "run_id"


def test_a_plan_cannot_be_changed() -> None:
    plan = plan_of()
    with pytest.raises(ValidationError):
        plan.seed = 7  # type: ignore[misc]
    with pytest.raises(ValidationError):
        plan.privacy.k = 2  # type: ignore[misc]


def test_the_work_folder_lies_beside_the_output() -> None:
    assert plan_of().work_folder == Path("out.work")
    assert plan_of(output={"path": "a/b/"}).work_folder == Path("a/b.work")
    assert plan_of(output={"path": "a/b"}, work="w").work_folder == Path("w")


def test_nearest() -> None:
    assert nearest("gendr", ["age", "Gender"]) == "'Gender'"
    assert nearest("xyz", ["b", "a"]) == "one of 'a', 'b'"
    assert nearest("xyz", [f"n{number:02d}" for number in range(13)]).endswith(
        "'n11' … (the first 12 of 13; all keys: synth-spark schema, all columns: synth-spark plan)"
    )
    assert nearest("xyz", [f"n{number:02d}" for number in range(12)]).endswith("'n11'")


# --- columns


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"assessment": {"secrets": ["sexx"]}}, "assessment.secrets: names no column 'sexx'; did you mean 'sex'?"),
        ({"showcase": {"columns": {"c": {"title": "C"}}}}, "showcase: names no column 'c'"),
        ({"showcase": {"hidden": ["c"]}}, "showcase: names no column 'c'"),
        ({"privacy": {"epsilon": 1, "public_domain": {"c": ["x"]}}}, "privacy.public_domain: names no column 'c'"),
    ],
)
def test_a_plan_that_shows_a_column_that_is_not_there_is_refused_before_any_work(
    changes: dict[str, Any], says: str, tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_bytes("größe,sex\nx,y\n".encode("latin-1"))
    one = {"path": str(tmp_path / "a.csv"), "encoding": "latin-1"}
    for settings in (one, {"sources": {"north": one}}):
        with pytest.raises(PlanError) as caught:
            look(plan_of(input=settings, **changes))
        assert caught.value.whole().startswith(says)


def test_columns_of_sources_are_looked_for_in_their_headers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("Größe;Sex\nx;y\n".encode("latin-1"))
    (tmp_path / "b.csv").write_text("size,age\nx,1\n")
    north = {"path": str(tmp_path / "a.csv"), "delimiter": ";", "encoding": "ISO-8859-1", "columns": {"Größe": "size"}}
    good = {"sources": {"north": north, "south": {"path": str(tmp_path / "b.csv")}}, "numbers": {"age": {"width": 9}}}
    assert look(plan_of(input=good)) is None
    for key, wrong, says in (
        ("columns", {"Grösse": "size"}, "input.sources.north.columns: names no column of the input: 'Grösse'"),
        ("values", {"Sex": {"m": "man"}}, "input.sources.north.values: names no column 'Sex'; did you mean 'size'?"),
    ):
        with pytest.raises(PlanError) as caught:
            look(plan_of(input=good | {"sources": good["sources"] | {"north": north | {key: wrong}}}))
        assert caught.value.whole().startswith(says)
    with pytest.raises(PlanError, match=r"input\.dates: names no used column 'Sex'"):
        look(plan_of(input=good | {"dates": {"Sex": "month"}}))


def test_a_plan_tells_of_rules_that_contradict_themselves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.csv").write_text("sex,age\nman,1\n")
    rule = "input.constraints=[{when: {sex: man}, then: {sex: [woman]}}]"
    assert main(["plan", "--input", str(tmp_path / "a.csv"), "--set", rule]) == 0
    assert (
        "input.constraints.0: 1 columns of which `then` does not allow the value of `when`" in capsys.readouterr().out
    )


# --- loading


def test_overrides_reach_into_sections_that_the_file_has_and_has_not(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text("title: Fälle\ninput: {path: a.csv, delimiter: ';'}\nprivacy: {k: 5}\n", encoding="utf-8")
    plan = load(str(path), {"privacy.k": 7, "input.path": "b.csv", "synthesis.groups": 3, "seed": 1})
    assert (plan.title, plan.privacy.k, plan.synthesis.groups, plan.seed) == ("Fälle", 7, 3, 1)
    assert plan.input == Input(path="b.csv", delimiter=";")
    assert load(str(path), {}).privacy.k == 5


def test_a_plan_from_overrides_alone() -> None:
    assert load(None, {"input.path": "a.csv", "privacy.k": 4}) == plan_of(input={"path": "a.csv"}, privacy={"k": 4})


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"input.path": "a.csv", "privacy.q": 4}, "privacy.q"),
        ({"input.path": "a.csv", "title": "y", "title.x": 4}, "title.x"),
        ({"input.path": "a.csv", "title.x": 4}, "title"),
        ({"input.path.deeper": "a.csv"}, "input.path"),
    ],
)
def test_wrong_overrides(overrides: dict[str, Any], field: str) -> None:
    with pytest.raises(PlanError) as caught:
        load(None, overrides)
    assert caught.value.field == field


def test_the_last_override_of_a_key_holds() -> None:
    assert load(None, {"input.path": "a.csv", "title.x": 4, "title": "y"}).title == "y"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"input: [", "is not valid YAML"),
        (b"input: \xff\xfe", "is not valid YAML"),
        (b"- a\n- b\n", "is not a mapping"),
        (b"", "is not a mapping"),
        (b"just text", "is not a mapping"),
        (b"!!python/object/apply:os.getcwd []", "is not valid YAML"),
    ],
)
def test_files_that_are_no_plans(tmp_path: Path, text: bytes, problem: str) -> None:
    path = tmp_path / "plan.yml"
    path.write_bytes(text)
    with pytest.raises(PlanError, match=problem):
        load(str(path), {})


#: Texts that YAML, or who reads it, takes for something else.
TEXTS = ["010", "1_000", "NO", "yes", "08:30", "8:30", "1e3", "1.50", "0x1F", "~", "2021-03-01", "NULL", r"\N", "="]


@pytest.mark.parametrize("typed", TEXTS)
def test_a_text_of_a_plan_is_what_was_typed(tmp_path: Path, typed: str) -> None:
    """As a value, in lists, as a key and as what a key leads to; in a file as on the command line."""
    path = tmp_path / "plan.yml"
    path.write_text(
        f"title: {typed}\ninput:\n  path: a.csv\n  null_markers: [x, {typed}]\n  columns:\n  - {typed}\n"
        f"  groups:\n    a: {{values: {{{typed}: {typed}}}}}\n"
        f"  constraints: [{{when: {{a: {typed}}}, then: {{b: [{typed}]}}}}]\n"
    )
    typed_as = {
        "title": typed, "input.path": "a.csv", "input.null_markers": f"[x, {typed}]", "input.columns": f"[{typed}]",
        "input.groups": f"{{a: {{values: {{{typed}: {typed}}}}}}}",
        "input.constraints": f"[{{when: {{a: {typed}}}, then: {{b: [{typed}]}}}}]",
    }  # fmt: skip
    told = plan_of(
        title=typed,
        input={
            "path": "a.csv", "null_markers": ["x", typed], "columns": [typed],
            "groups": {"a": {"values": {typed: typed}}},
            "constraints": [{"when": {"a": typed}, "then": {"b": [typed]}}],
        },
    )  # fmt: skip
    assert load(str(path), {}) == told
    assert load(None, {key: Typed(text) for key, text in typed_as.items()}) == told


@pytest.mark.parametrize("sign", ["#", "|", ">"])
def test_a_sign_alone_is_a_text_and_a_comment_is_none(tmp_path: Path, sign: str) -> None:
    path = tmp_path / "plan.yml"
    path.write_text(f"input:\n  path: a.csv\n  delimiter: {sign}\n  null_markers:\n  - {sign}\n  - x\n")
    told = load(str(path), {}).input
    assert (told.delimiter, told.null_markers) == (sign, (sign, "x"))
    path.write_text("input:\n  path: a.csv\n  delimiter:   # the default\n")
    assert load(str(path), {}).input.delimiter is None


@pytest.mark.parametrize(
    ("typed", "delimiter"),
    [*((sign, sign) for sign in "|~;#@[%,:&*!>`\t "), (r"\t", "\t"), ("';'", ";"), ("null", None), ("", None)],
)
def test_a_delimiter_of_the_command_line_is_what_was_typed(typed: str, delimiter: str | None) -> None:
    given = {"input.path": Typed("a.csv"), "input.delimiter": Typed(typed), "title": Typed(f"a{typed}: b")}
    plan = load(None, given)
    assert (plan.input.delimiter, plan.title) == (delimiter, f"a{typed}: b")


def test_numbers_and_truth_values_of_a_plan_are_decimal_and_yaml(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text("input: {path: a.csv, trim: yes, numbers: {a: {width: 0.10}}}\nprivacy: {k: 010}\nseed: 1_000\n")
    plan = load(str(path), {"reporting_length": Typed("2"), "input.multiline": Typed("on")})
    assert (plan.privacy.k, plan.seed, plan.reporting_length) == (10, 1_000, 2)
    assert plan.input.trim
    assert plan.input.multiline


@pytest.mark.parametrize("typed", ["@", "[", "%", "\t", "{a", "'", "a: b: c"])
@pytest.mark.parametrize("key", ["input.columns", "privacy.k", "input.subject"])
def test_what_is_no_yaml_on_the_command_line_is_refused_in_one_line(
    key: str, typed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "x,y\n" * 20)
    assert main(["plan", "--input", str(tmp_path / "a.csv"), "--set", f"{key}={typed}"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith((f"synth-spark: --set {key}: is not valid YAML", f"synth-spark: {key}: is not valid: "))


def test_a_plan_that_is_no_yaml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "plan.yml"
    path.write_text("input:\n  path: a.csv\n  delimiter: @\n")
    with pytest.raises(PlanError, match=r"plan: is not valid YAML \(line 3\); put texts with signs"):
        load(str(path), {})


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        load(str(tmp_path / "none.yml"), {})


# U+0085, which PyYAML does not bring back, has a test of its own
characters = st.characters(codec="utf-8", exclude_characters="\x85")
text = st.text(characters, max_size=12)
plans = st.fixed_dictionaries(
    {"input": st.fixed_dictionaries(
        {"path": text},
        optional={
            "format": st.sampled_from(["csv", "parquet", "delta"]),
            "delimiter": characters,
            "multiline": st.booleans(),
            "columns": st.lists(text, max_size=3),
            "sensitive_zeros": st.lists(text, max_size=3),
        },
    )},
    optional={
        "title": text,
        "privacy": st.fixed_dictionaries({"kind": st.just("k_anonymity"), "k": st.integers(2, 99)}),
        "reporting_length": st.integers(1, 8),
        "synthesis": st.fixed_dictionaries({}, optional={"groups": st.integers(1, 9), "power": st.floats(0, 10)}),
        "output": st.fixed_dictionaries({"path": st.text(characters, min_size=1, max_size=9)}),
        "work": text,
        "run_id": st.sampled_from(["1e5", "0x1F", "null", "yes", "a-1"]),
        "seed": st.integers(0, 2**70),
    },
)  # fmt: skip


@few
@given(plans)
def test_a_dumped_plan_is_the_same_plan(content: dict[str, Any]) -> None:
    plan = parse(content)
    dumped = yaml.safe_load(dump(plan))
    assert parse(dumped) == plan
    assert set(dumped) == set(Plan.model_fields)
    for section in ("input", "privacy", "synthesis", "output"):
        assert set(dumped[section]) == set(getattr(plan, section).model_dump())


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\t", "\x00", "\x7f", "\x85", "\xa0", "\u2028", "\ufeff", "\uffff", "😀", "ש"]
)
def test_a_dumped_plan_keeps_any_character(character: str) -> None:
    plan = plan_of(title=f"a{character}b", work=character)
    assert parse(yaml.safe_load(dump(plan))) == plan


#: What a plan may ask for beside its input, by dotted key: every kind of part, lists and mappings of parts.
PRIVATE = {"epsilon": 1, "delta": 1e-6}
asked_for = st.fixed_dictionaries(
    {},
    optional={
        "input.sources": st.sampled_from([
            {"a": {"path": "a.csv"}, "b": {"path": "b.csv", "columns": {"X": "x"}, "values": {"x": {"1": "one"}}}},
            {"a": {"table": "t", "quote": '"', "others": "keep"}},
        ]),
        "input.subject": st.just({"id": "case", "order": "day", "take": {"x": "first"}, "ignore_case": False}),
        "input.numbers": st.sampled_from([{"age": {"width": "0.10", "origin": 0}, "y": {"edges": [1, 2.5]}}, {}]),
        "input.dates": st.just({"day": "month", "night": {"to": "year", "format": None}}),
        "input.groups": st.just({"land": {"values": {1: "one"}, "others": "error"}}),
        "input.constraints": st.just([{"when": {"x": 1}, "then": {"y": []}}, {"forbid": {"x": "1", "y": "2"}}]),
        "privacy+synthesis": st.sampled_from([
            ({"k": 10}, {}), ({"k": 5}, {"groups": 1_024}), ({"kind": "k_anonymity"}, {"kind": "value_seeded"}),
            ({}, {"kind": "value_seeded", "oversampling": 0}), ({}, {"kind": "aggregate_seeded", "scale": 2}),
            (PRIVATE, {}), (PRIVATE, {"passes": 6}), (PRIVATE, {"kind": "aggregate_seeded", "records": 9}),
            ({**PRIVATE, "public_domain": True}, {"kind": "marginal_matching"}),
            ({**PRIVATE, "public_domain": {"x": [1, "no"]}, "accuracy": [1, 2.5]}, {}),
            ({**PRIVATE, "thresholds": {2: 1.5, 3: 0}, "fabrication": "minimise"}, {"kind": "aggregate_seeded"}),
        ]),
        "rules": st.just([
            {"rule": "use.a", "measure": "m", "at_least": 0, "severity": "critical"},
            {"rule": "use.b", "expectation": "ExpectX", "table": "aggregates", "arguments": {"a": "x", "b": [None]}},
        ]),
        "accepted": st.sampled_from([{"use.a": "so"}, {}]),
        "showcase": st.just({
            "make": False,
            "columns": {"x": {}, "y": {"kind": "automatic", "title": "Y", "order": [2, 1], "labels": {1: "a"}}},
            "visuals": {"both": [{"x": 1}, {"y": "2"}]}, "pages": {"one": ["both"]},
        }),
        "publication": st.just({"authors": [{"name": "We"}, {"family": "Doe", "given": "J"}], "version": 1.0}),
    },
)  # fmt: skip


def plan_with(keys: dict[str, Any]) -> Plan:
    """A plan that asks for what was drawn."""
    keys = dict(keys)
    privacy, synthesis = keys.pop("privacy+synthesis", ({}, {}))
    source = {} if "input.sources" in keys else {"input.path": "cases.csv"}
    return load(None, {**source, "privacy": dict(privacy), "synthesis": dict(synthesis), **keys})


def without_each_key(content: Any) -> Iterator[tuple[str, Any]]:
    """Every key of nested mappings and lists, and the content without it."""
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        if isinstance(content, dict):
            yield key, {name: kept for name, kept in content.items() if name != key}
        for inner, less in without_each_key(value) if isinstance(value, dict | list) else ():
            replaced = dict(content) if isinstance(content, dict) else list(content)
            replaced[key] = less
            yield inner, replaced


def another_plan(content: dict[str, Any], plan: Plan) -> bool:
    """Whether some content is refused, or is not the plan."""
    try:
        return parse(content) != plan
    except PlanError:
        return True


def check_short(plan: Plan) -> None:
    """A plan that is dumped without its defaults is the same plan, and no key could be left out but a kind."""
    short = yaml.safe_load(dump(plan, whole=False))
    assert parse(short) == plan
    for part in short.keys() & {"privacy", "synthesis"}:
        assert short[part]["kind"] == getattr(plan, part).kind
    needless = [key for key, less in without_each_key(short) if not another_plan(less, plan)]
    assert set(needless) <= {"kind"}


@few
@given(asked_for)
def test_what_differs_from_the_defaults_is_the_same_plan(keys: dict[str, Any]) -> None:
    plan = plan_with(keys)
    check_short(plan)
    assert parse(yaml.safe_load(dump(plan))) == plan


@few
@given(plans)
def test_any_text_that_differs_is_kept(content: dict[str, Any]) -> None:
    check_short(parse(content))


ANY_TABLE = sorted((CONF / "any_table").glob("*.yml"))


PLANS = [CONF / "databricks" / "plan.yml", *ANY_TABLE, *sorted((CONF / "demo").glob("*.yml"))]


@pytest.mark.parametrize("path", PLANS, ids=str)
def test_the_examples_without_their_defaults_are_the_same_plans(path: Path) -> None:
    if path.stem == "rules":
        assert load(None, {"input.path": "cases.csv", "rules": str(path)}).rules
    else:
        check_short(load(str(path), {}))


@pytest.mark.parametrize("path", [path for path in ANY_TABLE if path.stem != "rules"], ids=str)
def test_plans_for_any_table_name_nothing_of_a_table(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.csv").write_text("Δ,x y\n" + "1,2\n" * 20)
    assert main(["plan", str(path), "--set", f"input.path={tmp_path / 'cases.csv'}"]) == 0
    assert "columns            2: Δ, x y" in capsys.readouterr().out


def test_a_plan_is_printed_without_its_defaults_unless_all_of_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text("a,b\n" + "1,2\n" * 20)

    def printed(*words: str) -> dict[str, Any]:
        assert main(["plan", "--input", str(cases), *words]) == 0
        return dict(yaml.safe_load(capsys.readouterr().out.partition("---\n")[0]))

    assert printed() == {"input": {"path": str(cases)}}
    assert printed("--k", "5", "--set", "synthesis.groups=7") == {
        "input": {"path": str(cases)},
        "privacy": {"kind": "k_anonymity", "k": 5},
        "synthesis": {"kind": "row_seeded", "groups": 7},
    }
    assert set(printed("--all")) == set(Plan.model_fields)


# --- the input's format


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.csv", "csv"), ("A.CSV", "csv"), ("a.csv.gz", "csv"), ("a.tsv", "csv"), ("a.TSV.GZ", "csv"),
        ("a.csv.bz2", "csv"),
        ("a.parquet", "parquet"), ("a.parquet/", "parquet"), ("s3://b/a.b.csv", "csv"), ("dir.csv/", "csv"),
    ],
)  # fmt: skip
def test_the_format_follows_from_the_suffix(path: str, kind: str) -> None:
    assert Input(path=path).resolved_format() == kind


@pytest.mark.parametrize("path", ["a", "a.gz", "a.txt", "csv", "a.csv.7z", "acsv"])
def test_an_unknown_suffix_needs_a_format(path: str) -> None:
    with pytest.raises(PlanError) as caught:
        Input(path=path).resolved_format()
    assert caught.value.field == "input.format"
    assert Input(path=path, format="csv").resolved_format() == "csv"


def test_a_given_format_goes_before_the_suffix(tmp_path: Path) -> None:
    assert Input(path="a.csv", format="delta").resolved_format() == "delta"


def test_a_delta_folder_is_known_by_its_log(tmp_path: Path) -> None:
    (tmp_path / "table" / "_delta_log").mkdir(parents=True)
    assert Input(path=str(tmp_path / "table")).resolved_format() == "delta"
    with pytest.raises(PlanError):
        Input(path=str(tmp_path)).resolved_format()


def test_a_table_has_no_path() -> None:
    assert Input(table="main.cases").resolved_format() == "table"
    for source in (Input(), Input(path="a.csv", table="cases")):
        with pytest.raises(PlanError) as caught:
            source.resolved_format()
        assert caught.value.field == "input"


@pytest.mark.parametrize(
    ("source", "delimiter"),
    [
        (Input(path="a.csv"), ","),
        (Input(path="a.csv", delimiter=";"), ";"),
        (Input(path="a.tsv"), "\t"),
        (Input(path="A.TSV.GZ"), "\t"),
        (Input(path="a.tsv", delimiter="|"), "|"),
        (Input(path="x.tsv/a.csv"), ","),
        (Input(table="t"), ","),
    ],
)
def test_delimiters(source: Input, delimiter: str) -> None:
    assert source.resolved_delimiter == delimiter


# --- resolve


def resolved(
    plan: Plan | None = None,
    cards: tuple[int, ...] = (2, 3, 4),
    records: int = 100,
    distinct: int | None = None,
    filled: int | None = None,
) -> ResolvedPlan:
    """A plan resolved against a table with columns c0, c1, …"""
    names = tuple(f"c{index}" for index in range(len(cards)))
    distinct, filled = (records if distinct is None else distinct), (len(cards) if filled is None else filled)
    return resolve(plan or plan_of(), names, cards, records, distinct, filled)


@pytest.mark.parametrize(("asked", "columns", "length"), [(8, 3, 3), (3, 3, 3), (2, 3, 2), (3, 1, 1)])
def test_the_length_is_at_most_the_number_of_columns(asked: int, columns: int, length: int) -> None:
    found = resolved(plan_of(reporting_length=asked), (2,) * columns)
    assert found.length == length
    assert found.cells == CellSpace((2,) * columns, length)
    assert len(found.notes) == (asked > columns)
    assert all(str(asked) in note and str(columns) in note for note in found.notes)


@pytest.mark.parametrize("name", [*RESERVED, "RUN_ID", "Length", "Protected_Count"])
def test_reserved_names_are_refused(name: str) -> None:
    with pytest.raises(PlanError) as caught:
        resolve(plan_of(), ("fine", name), (2, 2), 100, 4, 2)
    assert caught.value.field == f"column '{name}'"
    resolve(plan_of(), ("fine", f"{name}_"), (2, 2), 100, 4, 2)


def test_fewer_records_than_k_are_refused() -> None:
    with pytest.raises(InputError) as caught:
        resolved(plan_of(privacy={"k": 11}), records=10)
    assert caught.value.field == "privacy.k"
    assert resolved(plan_of(privacy={"k": 10}), records=10).k == 10


def test_more_combinations_than_keys_are_refused() -> None:
    plan = plan_of(reporting_length=8)
    with pytest.raises(ResourceError) as caught:
        resolved(plan, (65_535,) * 8)
    assert caught.value.field == "reporting_length"
    assert resolved(plan_of(reporting_length=3), (65_535,) * 8).cells.size == (
        8 * 65_535 + math.comb(8, 2) * 65_535**2 + math.comb(8, 3) * 65_535**3
    )


@few
@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=9), st.integers(1, 8))
def test_what_is_not_refused_can_be_numbered(cards: list[int], length: int) -> None:
    """No more cells than 64-bit keys can tell apart, whatever the columns; a refusal names what to lower."""
    longest = min(length, len(cards))
    exact = sum(math.prod(cards[column] for column in t) for t in column_tuples(len(cards), longest))
    try:
        found = resolved(plan_of(reporting_length=length), tuple(cards))
    except ResourceError as error:
        assert error.field == "reporting_length"  # noqa: PT017
        return
    assert exact < 2**63
    assert found.cells.size == exact


def test_an_empty_column_does_not_hide_that_there_are_too_many_combinations() -> None:
    """Seven columns of 60,000 values beside one that holds nothing: combinations of the seven still need numbers."""
    with pytest.raises(ResourceError):
        resolved(plan_of(reporting_length=8), (*(60_000,) * 7, 0))


@few
@given(st.integers(1, 20), st.integers(1, 8), st.integers(10, 10**10), st.integers(0, 10**10), st.integers(1, 5_000))
def test_derived_numbers_stay_within_their_limits(
    columns: int, length: int, records: int, distinct: int, groups: int
) -> None:
    distinct = min(distinct, records)
    plan = plan_of(reporting_length=length, synthesis={"groups": groups})
    found = resolved(plan, (3,) * columns, records, distinct)
    assert found.tuples == len(column_tuples(columns, found.length)) == found.cells.first_tuple[-1]
    assert found.visits == distinct * found.tuples
    sparse = resolved(plan, (3,) * columns, records, distinct, min(columns, 3))
    assert sparse.visits == distinct * len(combinations_of((1,) * min(columns, 3), found.length))
    assert sparse.counting_tasks <= found.counting_tasks
    assert 1 <= found.counting_block <= sparse.counting_block <= 1 << 20
    assert found.counting_block * columns <= 1 << 25
    assert 2 <= found.counting_tasks <= 4_096
    assert found.counting_tasks in (2, 4_096) or found.visits / found.counting_tasks <= 10**8
    assert 1 <= found.shards <= 8
    assert found.shards == 1 or distinct / found.shards >= 2_048
    assert 1 <= found.groups <= max(1, groups)
    assert 1 <= found.top_groups <= 2
    assert records // found.k * found.k <= found.files * 1_000_000
    assert found.files <= 4 or (found.files - 1) * 1_000_000 < records
    assert found.files == 1 or (found.files - 1) * 50_000 < records
    assert found.shuffle_bytes <= 16 * found.cells.size * found.counting_tasks
    assert found.task_bytes <= 1_024 * 10**6
    assert found.fits == (distinct <= found.rows_a_task)


@pytest.mark.parametrize("border", [50_000, 100_000, 4_000_000])
def test_the_number_of_files_tells_of_the_protected_number_of_records_alone(border: int) -> None:
    """One record more than so many is one file more only if it is seen in the published number, too."""
    k = plan_of().privacy.k
    files = [resolved(plan_of(), records=records, distinct=1_000).files for records in range(border, border + k + 1)]
    assert len(set(files[:k])) == 1
    assert files[k] == files[0] + 1


def test_blocks_are_small_where_all_combinations_may_be_different() -> None:
    few_cells, many_cells = resolved(cards=(2,) * 100, records=10**6), resolved(cards=(2_000,) * 100, records=10**6)
    assert few_cells.counting_block == (1 << 25) // 100
    assert many_cells.counting_block == (1 << 25) // many_cells.tuples


def test_rare_attributes_are_counted_unless_there_are_too_many_combinations() -> None:
    assert not resolved(cards=(60,) * 20, records=10**6).prunes
    assert not resolved(cards=(2_000,) * 100, records=10**6, filled=5).prunes
    assert resolved(cards=(2_000,) * 100, records=10**6, filled=20).prunes


# --- assessment and rules

RULE = {"rule": "use.kept", "measure": "kept_share_of_common", "at_least": 0.9}


def test_rules_are_read_from_a_file_beside_the_plan() -> None:
    plan = load(str(CONF / "any_table" / "signed.yml"), {})
    assert [rule.rule for rule in plan.rules][:2] == ["use.kept_pairs", "use.near_in_pairs"]
    assert parse(yaml.safe_load(dump(plan))) == plan  # a run folder holds them all


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": "kept"}, "must be suite.rule"),
        ({"rule": "proof.support"}, "is in a suite of the release contract"),
        ({"at_least": None}, "needs at_least or at_most"),
        ({"measure": None}, "needs either a measure or an expectation"),
        ({"expectation": "ExpectX"}, "needs either a measure or an expectation"),
        ({"measure": None, "expectation": "ExpectColumnToExist"}, "needs a table"),
        ({"measure": None, "expectation": "Column", "table": "aggregates"}, "needs a table and an expectation"),
        ({"sevrity": "warning"}, "did you mean 'severity'"),
    ],
)
def test_wrong_rules_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        parse({"input": {"path": "cases.csv"}, "rules": [{**RULE, **change}]})


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(PlanError, match=r"two rules called use\.kept"):
        parse({"input": {"path": "cases.csv"}, "rules": [RULE, RULE]})


def test_a_file_of_rules_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text("input: {path: cases.csv}\nrules: none.yml\n")
    with pytest.raises(PlanError, match="names no YAML file"):
        load(str(tmp_path / "plan.yml"), {})


def test_a_secret_must_be_a_column() -> None:
    plan = parse({"input": {"path": "cases.csv"}, "assessment": {"secrets": ["gendre"]}})
    with pytest.raises(PlanError, match="names no column 'gendre'; did you mean 'gender'"):
        resolve(plan, ("gender", "age"), (3, 4), 100, 50, 2)
