"""Names in a warehouse: those of the release as they are, quoted; another one only where a warehouse takes none such.

A name of a schema is a plain one, which needs no quotes. No Spark here.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

#: Longest name, in bytes; PostgreSQL cuts off what is longer, without a word.
LONGEST = 63
_PLAIN = re.compile(r"[a-z][a-z0-9_]{0,62}")
#: Columns that every table of PostgreSQL has.
_OF_EVERY_TABLE = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")

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
    """Whether a text is a name that needs no quotes.

    >>> is_name("means_debt"), is_name("order"), is_name("2020")
    (True, False, False)
    """
    return _PLAIN.fullmatch(text) is not None and text not in RESERVED


def name_of(header: str) -> str:
    """The name that a header gets, whatever else is called so: the header itself, wherever a warehouse takes it.

    Of a header of more than 63 bytes the first are kept, an empty one is called ``column``, a NUL is written U+2400,
    and what PostgreSQL calls a column of every table gets ``_`` after it.

    >>> [name_of(header) for header in ("yearOfRegistration", "Côté (left)", "Order", "", "xmin", "é" * 40)]
    ['yearOfRegistration', 'Côté (left)', 'Order', 'column', 'xmin_', 'ééééééééééééééééééééééééééééééé']
    """
    name = _cut(header.replace("\0", "\u2400") or "column", LONGEST)
    return f"{name}_" if name in _OF_EVERY_TABLE else name


def _cut(text: str, most: int) -> str:
    """The first characters of a text that fit into some bytes of UTF-8."""
    return text.encode()[:most].decode(errors="ignore")


def unique_names(
    headers: Sequence[str], fixed: Mapping[str, str] | None = None, taken: Iterable[str] = ()
) -> list[str]:
    """A name for each header, all different also where capitals are not told apart; what has a name already keeps it.

    Args:
        headers: in the order of their columns; of two that get the same name the earlier one keeps it.
        fixed: header → the name it was given before.
        taken: names that are given away.

    >>> unique_names(["Sex", "age", "sex", "RUN_ID"], taken=["run_id"])
    ['Sex', 'age', 'sex_2', 'RUN_ID_2']
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

    DuckDB does not tell capitals apart, so neither are they here.

    >>> free_name("run_id", {"Run_ID"})
    'run_id_2'
    """
    given_away = {one.lower() for one in taken}
    candidate, number = name, 1
    while candidate.lower() in given_away:
        number += 1
        suffix = f"_{number}"
        candidate = _cut(name, LONGEST - len(suffix)) + suffix
    return candidate
