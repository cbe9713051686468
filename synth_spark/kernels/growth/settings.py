"""How records are grown: the strategies and sizes that refinement and packing share."""

from typing import NamedTuple

#: Rows that one walk of the tree may visit at its root, over all groups of seeds.
_ROOT_VISITS = 1 << 20
#: Fewest and most rows that a node is judged by, and how fast they fall as a table grows.
_LEAST_SAMPLE, _MOST_SAMPLE, _SAMPLED_VISITS = 256, 2_048, 1 << 26
#: What a value is drawn by when records are packed, beside its support: see `packing`.
PACKINGS = ("relative_deficit", "deficit", "count")
#: Most attributes whose pairs are tracked, the most frequent ones: the tables of pairs take 16 bytes a pair.
MOST_TRACKED = 2_048


class Growth(NamedTuple):
    """How records are grown.

    Attributes:
        k: privacy resolution, ≥ 2.
        power: a node's column is drawn ∝ (mean support of the values that its seeds would keep)^p, where p is spread
            evenly over the groups from 0, any column alike, to twice this, which is its mean; ≥ 0. Low powers keep
            more different combinations, high ones more of the frequent.
        groups: groups of seeds, ≥ 1; each has a tree of its own, so records differ in what they give up.
        packing: index of the packing in `PACKINGS`.
        sample: rows that a node of the tree is judged by where it has more; ≥ 1.
        rows: most rows of a table that is worked on as a whole; larger ones are divided. ≥ 1.
        few: records that are not worth dividing a table for, at most; ≥ 0.
        enough: values from which on a record takes no further one whose pairs with it are as good as satisfied (by
            relative deficits); so it does not make longer combinations more frequent than they are. ≥ 1.
    """

    k: int
    power: float = 1.25
    groups: int = 1
    packing: int = 0
    sample: int = _MOST_SAMPLE
    rows: int = 65_536
    few: int = 64
    enough: int = 1 << 30

    def of_group(self, group: int) -> "Growth":
        """The same with the power of one group, counted from 0.

        >>> [Growth(10, power=1.25, groups=5).of_group(group).power for group in range(5)]
        [0.25, 0.75, 1.25, 1.75, 2.25]
        """
        return self._replace(power=2 * self.power * (group + 0.5) / self.groups)

    def fitted(self, rows: int) -> "Growth":
        """The same for a table of so many rows: a large one diversifies by itself, and its nodes are sampled more."""
        groups = max(1, min(self.groups, _ROOT_VISITS // max(1, rows)))
        sample = max(_LEAST_SAMPLE, min(_MOST_SAMPLE, _SAMPLED_VISITS // max(1, rows)))
        return self._replace(groups=groups, sample=min(self.sample, sample))
