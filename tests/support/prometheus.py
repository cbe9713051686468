"""Reading Prometheus' text format as strictly as it is defined, line by line."""

import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
_SAMPLE = re.compile(rf"({_NAME})\{{({_LABEL}(?:,{_LABEL})*)\}} (\S+)")
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}

Sample = tuple[str, tuple[tuple[str, str], ...]]


def samples(text: str) -> dict[Sample, float]:
    """(name, labels in order) → value; every family is announced once, in one block, and every line is understood."""
    assert text.endswith("\n")
    found: dict[Sample, float] = {}
    announced: list[str] = []
    for line in text.splitlines():
        if line.startswith("# HELP "):
            announced.append(line.split(" ")[2])
            continue
        if line.startswith("# TYPE "):
            assert line.split(" ")[2:] == [announced[-1], "gauge"]
            continue
        match = _SAMPLE.fullmatch(line)
        assert match, line
        assert match[1] == announced[-1]
        labels = tuple(
            sorted(
                (name, re.sub(r"\\[\\\"n]", lambda e: _ESCAPES[e[0]], value))
                for name, value in re.findall(_LABEL, match[2])
            )
        )
        assert (match[1], labels) not in found
        found[match[1], labels] = float(match[match.lastindex or 0])
    assert len(set(announced)) == len(announced)
    return found
