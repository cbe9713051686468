"""Rounds of synthesis: what keys the random choices of their parts."""

from synth_spark.kernels.growth.tree_top import Node
from synth_spark.synthesize.rounds import part_keys


def _tops(order: tuple[int, ...]) -> list[Node]:
    """Two groups with two leaves each, numbered in an order."""
    leaves = [Node((attribute,), part=part) for attribute, part in zip((3, 5, 3, 5), order, strict=True)]
    return [Node(order=(1,), children={leaf.path[0]: leaf for leaf in leaves[at : at + 2]}) for at in (0, 2)]


def test_the_key_of_a_part_is_its_place_in_the_tree_and_not_its_rank_by_size() -> None:
    """Parts are numbered by exact size: of two that are about as large either may come first."""
    one, other = part_keys(7, 1, _tops((0, 1, 2, 3))), part_keys(7, 1, _tops((3, 1, 0, 2)))
    assert len(set(one)) == 4
    assert [other[part] for part in (3, 1, 0, 2)] == one
    assert not set(one) & set(part_keys(7, 2, _tops((0, 1, 2, 3))))
    assert len(part_keys(7, 1, _tops((0, -1, 1, 2)))) == 3
