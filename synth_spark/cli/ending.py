"""What a command says of a release once it is in place."""

import shlex
from typing import TYPE_CHECKING

from synth_spark.publish.published_release import open_release
from synth_spark.schema.root_layout import DOCUMENTS, QUALITY_TEXT, RELEASE_TEXT, REPORT, SHOWCASE
from synth_spark.storage.root_files import current_of

if TYPE_CHECKING:
    from synth_spark.storage.run_store import RunStore


def tell(store: "RunStore", more: bool = False) -> None:
    """Print where a release is, and where it is explained.

    Args:
        store: the run folder of a published run.
        more: whether to say how to read its tables, too.

    Raises:
        PublishError: it was retired since, or is not there any more.
    """
    run_id, root = store.run_id, store.plan.output.path.rstrip("/")
    release = open_release(root, run_id)  # what is gone is not told
    current = current_of(release.root)
    texts = root if current == run_id else f"{root}/{DOCUMENTS}/{run_id}"
    where = f"{root}/<table> (Delta)" if release.is_sliced else f"{root}/<table>/run_id={run_id}"
    print(f"Released {run_id}: {where}")
    if current != run_id:
        print(f"  not the current one  readers of {root} see {current}")
    print(f"  read it explained    {texts}/{RELEASE_TEXT}, {QUALITY_TEXT}, {REPORT}" + _showcase(store))
    print(f"  for those who sign   {store.where(REPORT)} (SENSITIVE)")
    if more and not release.is_sliced:
        for what, table in (("records", "synthetic_records"), ("counts ", "aggregates")):
            code = f"import pandas as pd; print(pd.read_parquet({f'{root}/{table}/run_id={run_id}'!r}))"
            quoted = shlex.quote(code) if set('"$`\\!') & set(code) else f'"{code}"'
            print(f"  look at the {what}  python -c {quoted}")


def _showcase(store: "RunStore") -> str:
    return f"; explore {SHOWCASE}" if store.plan.showcase.make else ""
