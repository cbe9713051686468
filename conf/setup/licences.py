"""Every package that an installation brings, with its licence: `make licences` writes docs/LICENCES.md.

Licences are what packages declare in their metadata. What is not on the list below stops the command: a person reads
it, and adds it here, or does without the package.
"""

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
#: Licences that ask for no more than that they are named.
PERMISSIVE = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT",
    "MIT-0", "PSF-2.0", "Zlib",
}  # fmt: skip
#: Packages whose licence asks for more, which was read: MPL-2.0 asks that changes to its own files are published.
READ = {"certifi": "MPL-2.0", "shtab": "MPL-2.0", "tqdm": "MPL-2.0 AND MIT"}
#: What is written in the older fields of the metadata, as SPDX calls it.
_WRITTEN = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
}
#: Packages that say no more than BSD, print the text, or say nothing: which it is was read in the file of the licence.
_TEXTS = {
    "altair": "BSD-3-Clause",
    "comm": "BSD-3-Clause",
    "hdfs-native": "Apache-2.0",
    "ipython-pygments-lexers": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "jupyter-client": "BSD-3-Clause",
    "nest-asyncio2": "BSD-2-Clause",
    "numba": "BSD-2-Clause",
    "pandas": "BSD-3-Clause",
    "pexpect": "ISC",
    "prompt-toolkit": "BSD-3-Clause",
    "ptyprocess": "ISC",
    "py4j": "BSD-3-Clause",
    "scipy": "BSD-3-Clause",
    "traitlets": "BSD-3-Clause",
}


@dataclass(frozen=True)
class Entry:
    """A package: its name, version and licence (SPDX, empty if nobody knows), and what it is there for."""

    name: str
    version: str
    licence: str
    needed_for: str


def main() -> int:
    """Write the list; returns 1, and writes nothing, if a licence is not one that was looked at."""
    found = list(entries())
    refused = [one for one in found if not accepted(one)]
    for one in refused:
        sys.stderr.write(f"{one.name} {one.version}: '{one.licence or 'no licence'}' was not looked at\n")
    if not refused:
        (ROOT / "docs" / "LICENCES.md").write_text(text(found), encoding="utf-8")
    return int(bool(refused))


def entries() -> Iterator[Entry]:
    """All packages that the package and its extras need, in order of their names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = dict.fromkeys(closure(project["dependencies"]), "the package")
    for extra, requirements in project["optional-dependencies"].items():
        others = [text for text in requirements if Requirement(text).name != project["name"]]  # of [all], the extras
        for name in closure(others):
            needed.setdefault(name, f"[{extra}]")
    for name in sorted(needed):
        yield Entry(name, distribution(name).version, licence_of(name), needed[name])


def closure(requirements: Iterable[str]) -> set[str]:
    """Names of what is required, and of what that requires, here and now."""
    seen: set[tuple[str, str]] = set()
    todo = [(Requirement(text), "") for text in requirements]
    while todo:
        requirement, _ = todo.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        for extra in {"", *requirement.extras}:
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            try:
                needed = map(Requirement, distribution(name).requires or [])
            except PackageNotFoundError:
                raise SystemExit(f"{name} is not installed: make setup") from None
            todo += [(one, extra) for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def licence_of(name: str) -> str:
    """What a package declares, as SPDX; empty if that says nothing."""
    about = distribution(name).metadata
    if about["License-Expression"]:
        return str(about["License-Expression"])
    if name in _TEXTS:
        return _TEXTS[name]
    classified = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    for said in [about["License"], *classified]:
        if said and "\n" not in said and said != "BSD License":
            return _WRITTEN.get(said, said)
    return ""


def accepted(entry: Entry) -> bool:
    """Whether all that a licence asks for, or one of its alternatives, is on the list."""
    if READ.get(entry.name) == entry.licence:
        return True
    alternatives = [part.split(" AND ") for part in entry.licence.split(" OR ")]
    return any(all(one.strip("() ") in PERMISSIVE for one in parts) for parts in alternatives)


def text(found: Iterable[Entry]) -> str:
    """The document."""
    lines = [
        "# Licences",
        "",
        "Written by `make licences` from the metadata of the packages in `requirements.lock`: what an installation of",
        "synth-spark (Apache-2.0) and of its extras brings, with the licence that each package declares. Compiled",
        "packages bundle libraries with licences of their own, named in their files (numpy, scipy and scikit-learn,",
        "for example, the runtime library of GCC, with its exception). Spark and Delta bring Java libraries, listed in",
        "documents of their own. Tools of developers are not part of it.",
        "",
        "| package | version | licence | for |",
        "|---|---|---|---|",
        *(f"| {one.name} | {one.version} | {one.licence} | {one.needed_for} |" for one in found),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
