"""A rehearsal: the same line on a part of the records, never published, so that another part can be the control.

What an attack on synthetic records gains beyond what their general truth tells is seen only beside records that they
were not made of (Giomi et al. 2023). All records go into the release; so a second one is made of a part of them, by
the same stages under the same plan, and that is attacked. Models are trained and tested on it, too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from synth_spark.assess.attacks import STEPS, Terms, examine
from synth_spark.encode import codes as encode
from synth_spark.errors import InputError
from synth_spark.kernels.arrow_codec import pack_codes, unpack_codes, unpack_weights
from synth_spark.kernels.keyed_random import derive, hash_rows
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import Run
from synth_spark.pipeline.runner import Runner, Stage
from synth_spark.plan.addresses import scheme_of
from synth_spark.plan.privacy import LedgerTerms
from synth_spark.schema import tables
from synth_spark.schema.domain import Domain
from synth_spark.schema.metrics import Metric
from synth_spark.storage.places import place
from synth_spark.storage.run_store import RunStore

_TRAINED, _CONTROL, _SYNTHETIC = 0, 1, 2
#: Records of which models are trained as fast as the library is imported that trains them (measured: 2 s).
_FEW = 30_000
_METRICS = (
    "step int, topic string, comparison string, measure string, about string, value double, low double, high double"
)
_SCHEMA = pa.schema(
    [
        ("step", pa.int32()),
        *((name, pa.string()) for name in ("topic", "comparison", "measure", "about")),
        *((name, pa.float64()) for name in ("value", "low", "high")),
    ]
)


def rehearsed(run: Run, stages: Mapping[str, Stage]) -> list[Metric]:
    """Make a release of a part of the records and examine it; of its tables, which hold these records, nothing stays.

    Args:
        run: the run; its codes are kept.
        stages: of its line.

    Returns:
        Metrics of the topics attack and model.
    """
    config, seed = run.plan.assessment, run.store.seed
    share = min(1.0, config.rehearsed_records / run.records)
    dealt = _dealt(run.kept(tables.CODES).frame, len(run.domain.columns), share, config.control, seed)
    trial = _trial(run, dealt)
    try:
        if not _made(trial, stages):
            run.progress.say("the rehearsal holds too few records for a release: nothing was attacked")
            return []
        return _examined(run, trial, dealt, dealt_steps(round(share * run.records)))
    finally:
        trial.store.forget(list(stages), [table for stage in stages.values() for table in stage.keeps])


def _made(trial: Run, stages: Mapping[str, Stage]) -> bool:
    """Whether a rehearsal holds enough records for a release; then it has synthetic ones."""
    try:
        for stage in ("encode", "aggregate", "synthesize"):
            Runner(trial, stages).work(stage)
    except InputError:
        return False
    return True


def _examined(run: Run, trial: Run, dealt: DataFrame, steps: list[range]) -> list[Metric]:
    """What attacks on a rehearsal gain, and what models learn of it."""
    config, seed = run.plan.assessment, run.store.seed
    released = trial.kept(tables.SYNTHETIC_RECORDS)
    synthetic = encode.codes(released.frame, run.domain, released.rows)
    together = dealt.unionAll(synthetic.select(F.lit(_SYNTHETIC).alias("part"), "record", "multiplicity"))
    bounds, names = run.domain.bounds, run.domain.names
    terms = Terms(bounds, tuple(names), config.secrets, config.attacks, derive(seed, "attack"))
    width = len(run.domain.columns)

    def look(rows: pa.Table) -> pa.Table:
        which, copies = rows["part"].to_numpy(), unpack_weights(rows["multiplicity"])
        codes = unpack_codes(rows["record"], width)
        sides = (
            np.repeat(codes[which == part], copies[which == part], axis=0) for part in (_TRAINED, _CONTROL, _SYNTHETIC)
        )
        trained, control, synthetic = map(_in_order, sides)
        figures = examine(trained, control, synthetic, terms, steps[rows["task"][0].as_py()])
        return pa.Table.from_pylist([{"step": step, **row} for step, row in figures], _SCHEMA)

    sent = together.withColumn("task", F.explode(F.sequence(F.lit(0), F.lit(len(steps) - 1))))
    tasks = sent.repartitionById(len(steps), "task").groupBy("task")
    rows = tasks.applyInArrow(look, _METRICS).toArrow().sort_by("step").drop_columns("step")
    return [Metric.of(row) for row in rows.to_pylist()]


def dealt_steps(records: int) -> list[range]:
    """How tasks share the steps of the examination; every one is sent all records.

    Of few records one task attacks and the other trains, so that one alone imports what trains; of more both do both.
    """
    return [range(1), range(1, STEPS)] if records <= _FEW else [range(0, STEPS, 2), range(1, STEPS, 2)]


def _in_order(codes: np.ndarray) -> np.ndarray:
    """Records in an order that depends on them alone."""
    return codes[np.lexsort(codes.T[::-1])] if codes.size else codes


def _dealt(codes: DataFrame, width: int, share: float, control: float, seed: int) -> DataFrame:
    """Deal records, of which only a share is taken, to training and control: ``part``, ``record``, ``multiplicity``."""

    def deal(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            records, copies = unpack_codes(batch["record"], width), unpack_weights(batch["multiplicity"])
            taken = _rounded(copies * share, hash_rows(records, np.uint64(derive(seed, "rehearse"))))
            held_out = np.minimum(
                taken, _rounded(taken * control, hash_rows(records, np.uint64(derive(seed, "hold_out"))))
            )
            for part, number in ((_TRAINED, taken - held_out), (_CONTROL, held_out)):
                some = number > 0
                parts = pa.repeat(pa.scalar(part, pa.int32()), int(some.sum()))
                arrays = [parts, pack_codes(records[some]), pa.array(number[some])]
                yield pa.RecordBatch.from_arrays(arrays, names=["part", "record", "multiplicity"])

    return codes.mapInArrow(deal, "part int, record binary, multiplicity bigint")


def _rounded(wanted: np.ndarray, hashes: np.ndarray) -> np.ndarray:
    """Numbers rounded up or down at random, so that each is right on average; ``hashes`` are the chance."""
    lower = np.floor(wanted)
    chance = hashes.astype(np.float64) / 2.0**64
    rounded: np.ndarray = (lower + (chance < wanted - lower)).astype(np.int64)
    return rounded


def _trial(run: Run, dealt: DataFrame) -> Run:
    """A run of the training part, in a folder of its own inside that of the run."""
    folder = f"{run.store.full_address}/rehearsal"
    local = scheme_of(folder) is None
    scratch: dict[str, Any] = {
        "work": folder,
        "ledger": LedgerTerms(address=f"{folder}/ledger.jsonl" if local else f"{folder}/ledger"),  # of its own
        "run_id": f"rehearsal-{run.store.turn}",  # who was overtaken writes where nobody reads
    }
    if not run.plan.privacy.noisy:  # it follows no release
        scratch["privacy"] = run.plan.privacy.model_copy(update={"stepwise": False})
    plan = run.plan.model_copy(update={**scratch, "seed": derive(run.store.seed, "trial") >> 1})
    place(folder).delete_folder()
    trial = Run(run.spark, RunStore.create(plan), Progress(quiet=True), run.noise)
    domain, columns = run.domain, run.kept(tables.RECORDS).frame.schema
    trained = dealt.where(F.col("part") == _TRAINED)
    with trial.store.stage("read"):
        records = trial.keep(tables.RECORDS, _texts(trained, domain).toDF(*columns.names))
        trial.store.facts.update(fields=run.store.facts["fields"], records=records.rows)
    return trial


def _texts(codes: DataFrame, domain: Domain) -> DataFrame:
    """Records as they were read, one row each."""
    width = len(domain.columns)
    names = [f"c{index}" for index in range(len(domain.fields))]
    schema = ", ".join(f"{name} {field.type}" for name, field in zip(names, domain.fields, strict=True))

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = np.repeat(unpack_codes(batch["record"], width), unpack_weights(batch["multiplicity"]), axis=0)
            for at in range(0, len(rows), 50_000):
                yield pa.RecordBatch.from_arrays(domain.decode(rows[at : at + 50_000]), names=names)

    return codes.mapInArrow(decode, schema)
