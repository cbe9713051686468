"""The data inside a showcase: a description in JSON and typed arrays behind it, compressed, as text for a page.

Layout before compression: 4 bytes little-endian length of the JSON, the JSON, then every array at an offset that is a
multiple of 4. The JSON's ``arrays`` tells of each array its name, its type and its number of elements, in order.
"""

import base64
import gzip
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

#: Beyond it packing takes six times as long for a fiftieth of the size.
_LEVEL = 6
_TYPES = {"u1": "Uint8", "u2": "Uint16", "u4": "Uint32"}


def packed(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Data as text that a page holds.

    Args:
        described: JSON-ready; its key ``arrays`` is taken.
        arrays: name → (n,) unsigned numbers of 1, 2 or 4 bytes.
    """
    header = [{"name": name, "type": _TYPES[array.dtype.str[1:]], "size": len(array)} for name, array in arrays.items()]
    head = json.dumps({**described, "arrays": header}, ensure_ascii=False, separators=(",", ":")).encode()
    parts = [len(head).to_bytes(4, "little"), head]
    at = 4 + len(head)
    for array in arrays.values():
        fill = -at % 4
        content = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
        parts += [b"\0" * fill, content]
        at += fill + len(content)
    return base64.b64encode(gzip.compress(b"".join(parts), compresslevel=_LEVEL, mtime=0)).decode()
