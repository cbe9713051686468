"""Every fenced block of the documents is one that tests execute, or is listed with a reason: docs/examples.md."""

import ast
import re
import shlex

import pytest
from doc_blocks import LIST, ROOT, Example, blocks_of, every_block, every_example, examples_of, listed, pages, unlisted

from synth_spark.cli.main import COMMANDS
from synth_spark.cli.parser import parser
from synth_spark.pipeline.stages import STAGES

#: What tests/system/test_documents.py executes, and the program whose commands it runs.
LANGUAGES = {"sh", "console", "sql", "yaml", "promql", "text", "python"}
PROGRAMS = {"synth-spark", ".venv/bin/synth-spark"}
#: A command in a line of text.
INLINE = re.compile(r"`((?:\.venv/bin/)?synth-spark [^`]+)`")
PAGE = """# One

```sh
synth-spark show out/ --serve   # a comment
synth-spark run \\
  --input 'a # b.csv'
```

## Two

````
```sql
```
````

~~~sql
-- first
SELECT 1;
SELECT ';', 2;
~~~

```console
$ synth-spark ledger show x
a

b
$ synth-spark schema
```

```python
print(1)
"""


def test_blocks_are_found_with_their_places_and_languages() -> None:
    blocks = list(blocks_of("page.md", PAGE))
    assert [(block.chapter, block.language) for block in blocks] == [
        ("One", "sh"), ("Two", ""), ("Two", "sql"), ("Two", "console"), ("Two", "python")
    ]  # fmt: skip
    found = [[(one.text, one.printed) for one in examples_of(block)] for block in blocks]
    assert found[0] == [("synth-spark show out/ --serve", None), ("synth-spark run    --input 'a # b.csv'", None)]
    assert found[2] == [("SELECT 1", None), ("SELECT ';', 2", None)]
    assert found[3] == [("synth-spark ledger show x", "a\n\nb"), ("synth-spark schema", "")]
    assert found[4] == [("print(1)", None)]


def test_the_documents_are_all_looked_at() -> None:
    named = {path.relative_to(ROOT).as_posix() for path in pages()}
    assert {"README.md", "docs/examples.md", "docs/warehouses.md", "docs/decisions/README.md"} <= named
    fences = sum(len(re.findall(r"^ *```", path.read_text(encoding="utf-8"), re.MULTILINE)) for path in pages())
    assert fences == 2 * len(every_block()) > 50


@pytest.mark.parametrize("example", unlisted(), ids=lambda one: f"{one.block.page}-{one.text[:40]}")
def test_a_block_is_executed_or_listed(example: Example) -> None:
    assert example.block.language in LANGUAGES, "no test executes it: give it a language, or list it"
    if example.block.language in ("sh", "console"):
        assert shlex.split(example.text)[0] in PROGRAMS, "no test runs such a program: list it"


def test_every_row_of_the_list_names_an_example_and_a_reason() -> None:
    rows, examples = listed(), every_example()
    assert len(rows) == len(set(rows)) == len(re.findall(r"^\| `[^`]+`, ", LIST.read_text(encoding="utf-8"), re.M))
    for row in rows:
        assert sum(row.names(example) for example in examples) == 1, row
        assert len(row.reason) >= len("The same.")
    elsewhere, none = listed("Executed by a test of their own"), listed("Not executed")
    assert [*elsewhere, *none] == rows
    assert f"\n{len(none)} commands and statements are not executed:\n" in LIST.read_text(encoding="utf-8")
    assert all("::" in row.reason for row in elsewhere)


def test_every_test_that_the_list_names_exists() -> None:
    for file, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", LIST.read_text(encoding="utf-8")):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert not name or name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_every_notebook_is_executed_whole() -> None:
    tests = (ROOT / "tests" / "system" / "test_installed.py").read_text(encoding="utf-8")
    executed = re.findall(r'\.run\(NOTEBOOKS / "(\w+\.py)"\)', tests)
    assert sorted(executed) == sorted(path.name for path in (ROOT / "notebooks").iterdir() if path.is_file())


def test_the_line_of_stages_is_the_one_of_the_code() -> None:
    shown = [block.text for block in every_block() if block.language == "text"]
    assert shown == [" → ".join(STAGES["k_anonymity"])] * 2


def test_commands_in_a_line_of_text_are_ones_that_the_parser_takes() -> None:
    known, found = parser(COMMANDS), 0
    for path in pages():
        if path.name == "CHANGELOG.md":  # it names what there was
            continue
        for command in INLINE.findall(path.read_text(encoding="utf-8").replace("\n", " ")):
            words = shlex.split(re.sub(r" (?:…|\[.*?\])", "", command))[1:]
            if words[0] not in ("-h", "RUN_ID:"):  # help, and how Spark describes a job
                assert words[0] in COMMANDS
                if words[1:]:
                    known.parse_args(words)
                found += 1
    assert found > 10


@pytest.mark.parametrize("example", [one for one in every_example() if "jobs/release.py" in one.text])
def test_options_of_a_job_on_a_cluster_are_those_of_a_run(example: Example) -> None:
    listed = [re.split(r"[\[\],]", word) if word.startswith("Type=Spark") else [word] for word in example.words]
    words = [part for parts in listed for part in parts if part]
    job = next(place for place, word in enumerate(words) if word.endswith("jobs/release.py"))
    of_job = words[words.index("--") + 1 :] if "--" in words else words[job + 1 :]
    asked = parser(COMMANDS).parse_args(["run", *of_job])
    assert asked.plan.endswith("plan.yml")


def test_the_standalone_command_is_the_one_that_is_executed_with_two_folders_more() -> None:
    executed, shown = (
        next(one for one in every_example() if one.block.page == page and one.text.startswith("PYSPARK_PYTHON=/opt"))
        for page in ("README.md", "docs/scheduling.md")
    )
    more = set(shown.words) - set(executed.words)
    assert set(executed.words) <= set(shown.words)
    assert more == {
        "spark.executorEnv.NUMBA_CACHE_DIR=/var/cache/synth-spark",
        "--log-format",
        "json",
        "--summary",
        "/shared/state/summary.json",
    }
