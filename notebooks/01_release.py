# Databricks notebook source
# %% [markdown]
# # A release, step by step
# Give the notebook a plan; it makes the release with the session that is there, and shows what was published.

# %%
import os
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession

from synth_spark import demo
from synth_spark import plan as plans
from synth_spark.exports import showcase
from synth_spark.monitoring.progress import Progress
from synth_spark.pipeline import api

spark = SparkSession.getActiveSession()
folder = Path(os.environ.get("SYNTH_SPARK_NOTEBOOK", "demo-notebook"))

# %% [markdown]
# Invented cases to try it on. For your own data, set `input.path` or `input.table` below.

# %%
demo.write_csv(spark, folder / "cases.csv", rows=1000, seed=1)

# %%
plan = plans.load(
    None, {"input.path": str(folder / "cases.csv"), "privacy.k": 10, "output.path": str(folder / "release")}
)
run = api.start(spark, plan, Progress())
api.resume(run)

# %% [markdown]
# ## What was published

# %%
print((folder / "release" / "RELEASE.md").read_text())

# %%
records = pd.read_parquet(folder / "release" / "synthetic_records" / f"run_id={run.store.run_id}")
records.head()

# %%
aggregates = pd.read_parquet(folder / "release" / "aggregates" / f"run_id={run.store.run_id}")
aggregates.head()

# %% [markdown]
# ## Explore it
# The showcase is one page that needs no network; it is `showcase.html` beside the tables, and shown here.

# %%
page = showcase.inline((folder / "release" / "showcase.html").read_text(encoding="utf-8"))
display_html = globals().get("displayHTML")  # Databricks brings its own
if display_html is not None:
    display_html(page)
elif find_spec("IPython") is not None:
    from IPython.display import HTML, display

    display(HTML(page))
