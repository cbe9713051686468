# Databricks notebook source
# %% [markdown]
# # What privacy costs, before it is decided
# Several plans are tried on a sample of the records, and shown side by side: what a larger k, or longer combinations,
# keep and lose. **SENSITIVE**: figures are exact. Nothing is published. Under differential privacy parameters must not
# be chosen by looking; `synth-spark plan` tells there what ε buys.

# %%
import os
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import Run
from synth_spark.storage.run_store import RunStore
from synth_spark.tuning import comparison, grid_search

spark = SparkSession.getActiveSession()
folder = Path(os.environ.get("SYNTH_SPARK_NOTEBOOK", "demo-notebook"))

# %% [markdown]
# Invented cases to try it on. For your own data, set `input.path`, `input.table` or `input.sql` below.

# %%
demo.write_csv(spark, folder / "tuned.csv", rows=1000, seed=1)

# %%
plan = plans.load(
    None,
    {
        "input.path": str(folder / "tuned.csv"),
        "input.columns": ["gender", "ageBroad", "citizenship", "isForcedLabour"],
        "output.path": str(folder / "tuned"),
    },
)
grid = grid_search.Grid(ks=(5, 20), lengths=(2,), kinds=("row_seeded",), sample=500)
run = Run(spark, RunStore.create(plan), Progress())
found = grid_search.tune(run, grid, grid_search.default_folder(plan))
print(grid_search.advice(found))

# %% [markdown]
# ## Plans side by side

# %%
heads, rows = comparison.rows_of(found)
tried = pd.DataFrame(rows, columns=heads)
tried.head(20)
