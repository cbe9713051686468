# Databricks notebook source
# %% [markdown]
# # A look at an input before a release
# What its columns hold, who could be linked, and a plan to start from. **SENSITIVE**: what it shows is exact; run it
# where the records themselves may be seen, and clear its output afterwards.

# %%
import synth_spark as ss
from synth_spark import demo

# %% [markdown]
# Invented cases to try it on. For your own data, give your frame, or the path of a file, below.

# %%
cases = demo.cases(1000, seed=1).to_pandas()
found = ss.inspect(cases, k=10)
found

# %% [markdown]
# ## Columns, the most linkable first

# %%
found.table

# %% [markdown]
# ## A plan to start from
# `ss.release(cases, found.plan)` carries it out; written to a file, it is a plan of the command.

# %%
print(found.plan.to_yaml())
