"""The fields of a table as its owner knows them: a column with one value a record, or with several. No Spark here."""

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: The beginning of a word that stands for a sign.
_RESERVED = re.compile("<(?=(lt|semicolon|colon)>)")
#: Characters that JSON writes as an escape; the backslash first, as the others bring it in.
_ESCAPES = {"\\": "\\\\", '"': '\\"', **{chr(code): f"\\u{code:04x}" for code in range(0x20)}}
_ANY_CONTROL = r"[\x00-\x1f]"


@dataclass(frozen=True)
class Field:
    """A column of the input, and of the published tables.

    Attributes:
        name: its name.
        many: whether a record may hold several of its values.
        delimiter: what joins several values into one text, as they came; None where they came, and leave, as a list.
    """

    name: str
    many: bool = False
    delimiter: str | None = None

    @property
    def type(self) -> str:
        """Type of the published column, as Spark writes it."""
        return "array<string>" if self.many and self.delimiter is None else "string"

    def lists(self, cells: pa.Array) -> pa.ListArray:
        """The values of every cell, from either form; for a field with several values."""
        if pa.types.is_list(cells.type):
            return cells
        return pc.split_pattern(cells.cast(pa.string()), self.delimiter)

    def cells(self, lists: pa.ListArray) -> pa.Array:
        """Lists of values in the form that is published.

        >>> Field("D", many=True, delimiter=";").cells(pa.array([["d1", "d3"], None])).to_pylist()
        ['d1;d3', None]
        """
        return lists if self.delimiter is None else pc.binary_join(lists, self.delimiter)


def literal_pattern(text: str) -> str:
    """A regular expression of Java that matches a text and nothing else."""
    return "\\Q" + text.replace("\\E", "\\E\\\\E\\Q") + "\\E"


def escaped(text: str) -> str:
    """A header or a value as texts of combinations write it, where ``;`` and ``:`` separate.

    >>> escaped("a;b<lt>")
    'a<semicolon>b<lt>lt>'
    """
    return _RESERVED.sub("<lt>", text).replace(";", "<semicolon>").replace(":", "<colon>")


def flat(cells: pa.ListArray) -> tuple[pa.Array, pa.Array]:
    """All values of lists, and the row of each; absent ones left out."""
    values, rows = pc.list_flatten(cells), pc.list_parent_indices(cells)
    there = pc.is_valid(values)
    return values.filter(there), rows.filter(there)


def count_values(cells: pa.Array, field: Field) -> tuple[pa.Array, pa.Array]:
    """The distinct values of a column of cells, and how many cells hold each."""
    values = flat(field.lists(cells))[0] if field.many else cells.drop_null()
    counted = values.value_counts()
    return counted.field("values").cast(pa.string()), counted.field("counts").cast(pa.int64())


def json_arrays(lists: pa.ListArray) -> pa.Array:
    """Lists of texts, each as the text of a JSON array; absent stays absent.

    >>> json_arrays(pa.array([["d1", "d2"], [], None])).to_pylist()
    ['["d1","d2"]', '[]', None]
    """
    texts = pc.list_flatten(lists).cast(pa.string())
    escapes = list(_ESCAPES.items())
    if not pc.any(pc.match_substring_regex(texts, _ANY_CONTROL)).as_py():
        escapes = escapes[:2]
    quoted = texts
    for character, escape in escapes:
        quoted = pc.replace_substring(quoted, character, escape)
    quoted = pc.coalesce(pc.binary_join_element_wise('"', quoted, '"', ""), pa.scalar("null"))
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), quoted, mask=lists.is_null()), ",")
    return pc.binary_join_element_wise("[", joined, "]", "")
