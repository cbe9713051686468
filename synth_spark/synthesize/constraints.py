"""Structural rules in codes: cells that no record may be in, and what a record loses that breaks one.

A rule only ever says which values must not meet, so taking values away can break no other rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from synth_spark.kernels.cells import Codes
from synth_spark.plan import Constraint
from synth_spark.schema.domain import Domain


@dataclass(frozen=True)
class AttributeRule:
    """Of a record that holds all of some attributes: what it may not hold beside.

    Attributes:
        when: (column, code) of the attributes.
        strays: (column, codes) of what goes.
    """

    when: tuple[tuple[int, int], ...]
    strays: tuple[tuple[int, tuple[int, ...]], ...]

    def keep(self, codes: Codes) -> None:
        """Take what breaks the rule out of (n, m) codes, in place."""
        held = np.ones(len(codes), bool)
        for column, code in self.when:
            held &= codes[:, column] == code
        for column, stray in self.strays:
            codes[held & np.isin(codes[:, column], stray), column] = 0


def attributes_of(constraints: Sequence[Constraint], domain: Domain) -> list[AttributeRule]:
    """The rules that values of a domain can break."""
    where: dict[tuple[str, str], tuple[int, int]] = {}
    for index, own in enumerate(domain.columns):
        where |= {(own.name, value): (index, code) for code, value in enumerate(own.values, 1)}
    attributes = []
    for rule in constraints:
        named = list((rule.forbid or rule.when).items())
        if any(attribute not in where for attribute in named):
            continue
        held = [where[attribute] for attribute in named]
        if rule.forbid:
            column, code = held.pop()
            attributes.append(AttributeRule(tuple(held), ((column, (code,)),)))
            continue
        strays = []
        for name, allowed in rule.then.items():
            for field, (low, high) in zip(domain.fields, pairwise(domain.bounds), strict=True):
                for column in range(low, high) if field.name == name else ():
                    values = domain.columns[column].values
                    stray = tuple(code for code, value in enumerate(values, 1) if value not in allowed)
                    strays += [(column, stray)] if stray else []
        attributes.append(AttributeRule(tuple(held), tuple(strays)))
    return attributes


def forbidden_cells(
    rules: Sequence[AttributeRule], domain: Domain, whole: Sequence[bool]
) -> dict[tuple[int, int], npt.NDArray[np.bool_]]:
    """The cells of pairs' tables that rules about two columns forbid.

    Args:
        rules: in codes.
        domain: of the codes.
        whole: for every column, whether its tables have no place for absent.
    """
    sizes = domain.table_sizes(whole)
    forbidden: dict[tuple[int, int], npt.NDArray[np.bool_]] = {}
    for rule in rules:
        if len(rule.when) != 1:
            continue
        column, code = rule.when[0]
        for other, stray in rule.strays:
            if other == column:
                continue
            i, j = sorted((column, other))
            cells = forbidden.setdefault((i, j), np.zeros((sizes[i], sizes[j]), bool))
            one, more = code - int(whole[column]), np.array(stray) - int(whole[other])
            cells[(one, more) if i == column else (more, one)] = True
    return forbidden


def barred_sets(rules: Sequence[AttributeRule], whole: Sequence[bool]) -> list[tuple[tuple[int, int], ...]]:
    """What no record may hold all of, one set of (column, place in the column's tables) for each stray of each rule.

    Args:
        rules: in codes.
        whole: for every column, whether its tables have no place for absent.
    """
    barred = []
    for rule in rules:
        for column, stray in rule.strays:
            for code in stray:
                held = (*rule.when, (column, code))
                barred.append(tuple((own, value - int(whole[own])) for own, value in held))
    return barred
