"""placeholder"""

from dataclasses import dataclass
from typing import Any


@dataclass
class Terms:
    bounds: Any
    names: Any
    secrets: Any
    attacks: int
    seed: int


def examine(a, b, c, terms):
    return []
