# Databricks notebook source
# %% [markdown]
# # A release, step by step
# Records go in as a frame of Spark, pandas, Polars or Arrow, or as the path of a file; an audited release comes out. A
# session that is there is used; where there is none, one is made.

# %%
import synth_spark as ss
from synth_spark import demo

# %% [markdown]
# Invented cases to try it on. For your own data, give your frame, or `"cases.csv"`, below.

# %%
cases = demo.cases(1000, seed=1).to_pandas()
ss.plan(cases, k=10)

# %%
released = ss.release(cases, k=10, seed=1)

# %% [markdown]
# ## What was released
# What is guaranteed, the audit, the charts, and a page to explore it, which needs no network.

# %%
released

# %%
released.synthetic.head()

# %%
released.aggregates.head()

# %% [markdown]
# ## Hand it on
# `released.publish("out")` puts it into a folder for its readers, once it was compared with what they may hold;
# `released.package()` makes a zip for a data portal, `released.load("duckdb:cases.duckdb")` loads a warehouse.
# What the run kept, which is SENSITIVE, is removed by `released.purge()`.

# %%
removed = released.purge()
