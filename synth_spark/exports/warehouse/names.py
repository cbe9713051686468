"""Names that every warehouse takes unquoted: lower snake case, at most 63 bytes, no reserved word. No Spark here.

A name matches ``[a-z][a-z0-9_]*``, so its characters are its bytes. What a header loses on the way is kept whole as the
comment of its column.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence

#: Longest name, in bytes; PostgreSQL cuts off what is longer, without a word.
LONGEST = 63
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: Where a word begins inside a header: fooBar, HTTPCode.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")

_WORDS = """
    account acos aes128 aes256 aggregate all allowoverwrite alter analyse analyze and anti any are array as asc
    asensitive asof assert_rows_modified asymmetric at authorization az64 backup begin between binary blanksasnull
    both by bytedict bzip2 cascaded case cast check coalesce collate collation column columns concurrently connect
    connection constraint contains corresponding create credentials cross cube current current_catalog current_date
    current_path current_role current_row current_schema current_time current_timestamp current_user database
    default deferrable define deflate defrag delete delta delta32k desc describe deterministic disable distinct do
    drop each else emptyasnull enable encode encrypt encryption end enum escape except exclude exists explicit
    extract false fetch following for foreign freeze from full fusion gcluster generated glob global globaldict256
    globaldict64k grant group grouping groups gscluster gzip hash having if ignore ilike in increment initially
    inner insert interpolate intersect intersection interval into is isnull issue join lambda lateral leading left
    like like_regex limit listagg local localtime localtimestamp lookup lun luns lzo lzop macro map match_recognize
    merge minus mostly16 mostly32 mostly8 natural new no none not notnull null nullif nulls of off offline offset
    oid omit on only optional options or order organization outer over overlaps overlay parallel partition
    percentile permissions permit pivot pivot_longer pivot_wider placing positional precision primary proto public
    qualify range raw readratio recover recursive references referencing regexp rejectlog resort resource respect
    restore returning revoke right rlike rollup row rows sample schema seek select semi session_user set show
    similar snapshot some specifictype start struct subset summarize symmetric sysdate system system_time
    system_user table tablesample tag tdes text255 text32k then to top trailing treat trigger true truncatecolumns
    try_cast tuple unbounded union unique unknown unnest unpack unpivot update user using values variadic varying
    verbose view wallet when whenever where window with within
"""
#: Words that PostgreSQL, DuckDB, Snowflake, BigQuery or Redshift keep for themselves, and some of standard SQL.
RESERVED = frozenset(_WORDS.split())


def is_name(text: str) -> bool:
    """Whether a text is a name as it stands.

    >>> is_name("means_debt"), is_name("order"), is_name("2020")
    (True, False, False)
    """
    return _NAME.fullmatch(text) is not None and text not in RESERVED


def name_of(header: str) -> str:
    """The name that a header suggests, whatever else is called so.

    Accents go, words inside a header are separated, everything else that is no letter or digit of ASCII becomes
    ``_``; a header without any is called ``column``, one that begins with a digit gets ``c_`` before it, and a reserved
    word ``_`` after it.

    >>> [name_of(header) for header in ("yearOfRegistration", "Côté (left)", "Order", "2020", "年")]
    ['year_of_registration', 'cote_left', 'order_', 'c_2020', 'column_']
    """
    plain = "".join(one for one in unicodedata.normalize("NFKD", header) if not unicodedata.combining(one))
    text = _OTHER.sub("_", _WORD.sub("_", plain).lower()).strip("_") or "column"
    if text[0].isdigit():
        text = f"c_{text}"
    text = text[:LONGEST].rstrip("_")
    return f"{text}_" if text in RESERVED else text


def unique_names(
    headers: Sequence[str], fixed: Mapping[str, str] | None = None, taken: Iterable[str] = ()
) -> list[str]:
    """A name for each header, all different; what has a name already keeps it.

    Args:
        headers: in the order of their columns; an earlier one has the shorter name where two suggest the same.
        fixed: header → the name it was given before.
        taken: names that are given away.

    >>> unique_names(["a b", "a-b", "A_B"])
    ['a_b', 'a_b_2', 'a_b_3']
    """
    fixed = fixed or {}
    used = {*taken, *fixed.values()}
    names = []
    for header in headers:
        name = fixed.get(header)
        if name is None:
            name = free_name(name_of(header), used)
            used.add(name)
        names.append(name)
    return names


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or where it is taken the first of ``name_2``, ``name_3``, … that is not; never longer than allowed.

    >>> free_name("run_id", {"run_id"})
    'run_id_2'
    """
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        suffix = f"_{number}"
        candidate = name[: LONGEST - len(suffix)].rstrip("_") + suffix
    return candidate
