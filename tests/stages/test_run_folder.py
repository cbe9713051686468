"""What a run folder holds: docs/run-folder.md names every file, and every table as it is declared."""

import re
from pathlib import Path

from synth_spark.pipeline.purge import STAYING_FILES
from synth_spark.pipeline.run import FEW_RECORDS, Run
from synth_spark.pipeline.stages import STAGES
from synth_spark.schema.tables import Sensitivity, Table

TEXT = (Path(__file__).parents[2] / "docs" / "run-folder.md").read_text(encoding="utf-8")
#: Tables of which there is one a round, or a length.
_NUMBERED = re.compile(r"(lowering|grown|noisy)_(\d+)")


def declared() -> dict[str, list[tuple[Table, str]]]:
    """Name of each table → how it is declared, and the stage that keeps it, under each kind of privacy."""
    found: dict[str, list[tuple[Table, str]]] = {}
    for stages in STAGES.values():
        for name, stage in stages.items():
            for table in stage.keeps:
                found.setdefault(table.name, []).append((table, name))
    return found


def lines() -> list[str]:
    """The rows of the page's list of tables."""
    found, rows = declared(), []
    numbers: dict[str, list[int]] = {}
    for match in filter(None, map(_NUMBERED.fullmatch, found)):
        numbers.setdefault(match[1], []).append(int(match[2]))
    for name, uses in found.items():
        match, label = _NUMBERED.fullmatch(name), f"`{name}`"
        if match is not None:
            least, most = min(numbers[match[1]]), max(numbers[match[1]])
            if int(match[2]) > least:
                continue
            label = f"`{match[1]}_{least}` … `{match[1]}_{most}`"
        grains = dict.fromkeys(table.grain.removeprefix("one row").lstrip(": ") for table, _ in uses)
        (stage,), (who,) = {stage for _, stage in uses}, {table.sensitivity.name for table, _ in uses}
        rows.append(f"| {label} | {'; under differential privacy '.join(grains)} | {who} | {stage} |")
    return rows


def files() -> dict[str, str]:
    """The files that the page names → its last word on each."""
    part = TEXT.partition("## Files")[2].partition("## Tables")[0]
    rows = [line.strip("| ").split(" | ") for line in part.splitlines() if line.startswith("| `")]
    return {name: row[-1] for row in rows for name in re.findall("`([^`]+)`", row[0])}


def test_the_page_lists_every_table_as_it_is_declared() -> None:
    part = TEXT.partition("## Tables")[2].partition("## Beside")[0]
    assert [line for line in part.splitlines() if line.startswith("| `")] == lines()


def test_the_page_names_every_file_of_a_run_folder(explored: dict[str, Run]) -> None:
    """Tables of few records are one file each, unless they may be published."""
    store = explored["parquet"].store
    assert store.facts["records"] <= FEW_RECORDS
    for file in (path for path in store.folder.rglob("*") if path.is_file()):
        name, *inside = file.relative_to(store.folder).parts
        if name != "tables":
            assert "/".join([name, *inside]) in files(), file
            continue
        assert inside[0] in declared()
        assert file.suffix == ".parquet"
        table, _ = declared()[inside[0]][0]
        assert table.sensitivity is Sensitivity.SAFE or len(list(file.parent.iterdir())) == 1, inside[0]


def test_the_page_tells_what_a_purge_leaves() -> None:
    assert {name for name, stays in files().items() if stays.startswith("yes")} == STAYING_FILES
