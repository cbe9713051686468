# Databricks notebook source
# %% [markdown]
# # A look at an input before a release
# What its columns hold, who could be linked, and a plan to start from. **SENSITIVE**: what it shows is exact; run it
# where the records themselves may be seen, and clear its output afterwards.

# %%
import os
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline.run import Run
from synth_spark.storage.run_store import RunStore
from synth_spark.tuning import inspection

spark = SparkSession.getActiveSession()
folder = Path(os.environ.get("SYNTH_SPARK_NOTEBOOK", "demo-notebook"))

# %% [markdown]
# Invented cases to try it on. For your own data, set `input.path`, `input.table` or `input.sql` below.

# %%
demo.write_csv(spark, folder / "inspected.csv", rows=1000, seed=1)

# %%
plan = plans.load(None, {"input.path": str(folder / "inspected.csv"), "output.path": str(folder / "inspected")})
run = Run(spark, RunStore.create(plan), Progress())
found = inspection.inspect(run)
print(f"{found.linkable:.1%} of {found.records:,} records hold a combination that fewer than {found.k} share")

# %% [markdown]
# ## Columns, the most linkable first

# %%
columns = pd.DataFrame([{**asdict(column), "field": column.field.name} for column in found.columns])
columns.sort_values("linkable", ascending=False)

# %% [markdown]
# ## Attributes that link most of their records

# %%
attributes = pd.DataFrame(found.attributes, columns=["column", "value", "linked"])
attributes.head(20)

# %% [markdown]
# ## A plan to start from

# %%
proposed = inspection.proposed_plan(run, found)
print(proposed)
