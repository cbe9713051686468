# Databricks notebook source
# %% [markdown]
# # What privacy costs, before it is decided
# Several plans are tried on a sample of the records, and shown side by side: what a larger k, or longer combinations,
# keep and lose. **SENSITIVE**: figures are exact. Nothing is published. Under differential privacy parameters must not
# be chosen by looking; `ss.plan(cases, epsilon=…)` tells there what ε buys.

# %%
import synth_spark as ss
from synth_spark import demo

# %% [markdown]
# Invented cases to try it on. For your own data, give your frame, or the path of a file, below.

# %%
cases = demo.cases(1000, seed=1).to_pandas()
columns = ["gender", "ageBroad", "citizenship", "isForcedLabour"]
tried = ss.tune(cases[columns], ks=(5, 20), lengths=(2,), sample=500)
tried

# %% [markdown]
# ## Plans side by side

# %%
tried.table
