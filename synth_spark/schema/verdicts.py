"""What an audit says: its rules, and whether each of them held. No library is loaded."""

from dataclasses import dataclass
from typing import Any

#: The suite of the rules about earlier releases, and these rules; the outcome of the last one tells of an exact number,
#: and is not published.
DIFFERENCING_SUITE = "differencing"
NO_SMALL_GROUP, NO_KNOWN_COUNT = f"{DIFFERENCING_SUITE}.no_small_group", f"{DIFFERENCING_SUITE}.no_known_count"
EVERYONE_COMPARED, ENOUGH_ADDED = f"{DIFFERENCING_SUITE}.everyone_compared", f"{DIFFERENCING_SUITE}.enough_added"


@dataclass(frozen=True)
class Rule:
    """One line of the release contract: an expectation about the batch that its suite is run on."""

    suite: str
    name: str
    expectation: str
    arguments: dict[str, Any]
    meaning: str
    severity: str = "critical"
    batch: str = ""  # what it is about, where that is not what its suite is named after


@dataclass(frozen=True)
class Result:
    """One rule and whether it held."""

    suite: str
    rule: str
    expectation: str
    severity: str
    success: bool
    meaning: str
    accepted: str = ""

    @property
    def name(self) -> str:
        """suite.rule."""
        return f"{self.suite}.{self.rule}"

    @property
    def holds_back(self) -> bool:
        """Whether it keeps the release from going out: a broken rule, unless it is a warning that was accepted."""
        return not self.success and (self.severity == "critical" or not self.accepted)
