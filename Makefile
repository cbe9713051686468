# synth-spark: `make` shows what there is.
.DEFAULT_GOAL := help
PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
WARM := .venv/.warm

#: Two processes of tests; those of a module stay in one, and modules begin in the order of tests/conftest.py.
TWO := -n 2 --dist loadscope --no-loadscope-reorder

.PHONY: help setup demo test test-fast check lint types contracts rules layouts hostile faults bench incremental showcase cost jobs anonymeter licences audit ranges wheel docs clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(WARM)  ## a working .venv/bin/synth-spark, from the lock file

$(STAMP): requirements.lock pyproject.toml conf/setup/pip.lock
	@sh conf/setup/system.sh
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "Python 3.11 was not found: install it, or name one with make PYTHON=…"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	DIST_EXTRA_CONFIG=$(CURDIR)/conf/setup/build.cfg sh conf/setup/packages.sh $(BIN)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m pip check
	@touch $(STAMP)

$(WARM): $(STAMP)
	$(BIN)/synth-spark warm
	@touch $(WARM)

demo: setup  ## set up, generate invented cases, release them, and say where to look
	$(BIN)/synth-spark demo --output demo

test: setup  ## set up and pass the tests, or some: make test [ONLY="tests/stages/test_line.py -k order"]
	$(BIN)/python -m pytest $(or $(ONLY),$(TWO))

test-fast: setup  ## the tests without Spark, in some minutes: units, house rules, examples of the documents
	$(BIN)/python -m pytest -q $(TWO) tests/unit tests/test_layout.py

check: lint types contracts rules  ## lint, format, types, import contracts, house rules, examples in docstrings

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

contracts: $(STAMP)
	$(BIN)/lint-imports

# In CI all tests follow, these among them.
rules: $(STAMP)
	$(if $(SYNTH_SPARK_CI),,$(BIN)/python -m pytest -q tests/test_layout.py tests/unit/test_examples.py)

layouts: setup  ## read many tables in random layouts, and damaged files: make layouts [LAYOUTS=5000] [MUTANTS=10000]
	LAYOUTS=$(or $(LAYOUTS),5000) MUTANTS=$(or $(MUTANTS),10000) $(BIN)/python -m pytest -q tests/stages/test_source_layouts.py

hostile: setup  ## read many hostile files, each must be taken or refused: make hostile [FILES=10000]
	HOSTILE_FILES=$(or $(FILES),10000) $(BIN)/python -m pytest -q tests/stages/test_hostile.py -k read_or_refused

faults: setup  ## interrupt runs, here or in a store, and check what is left: make faults [COUNT=200] [KILLS=16] [PLACE=s3|hdfs|gs|az]
	$(BIN)/python tests/support/$(if $(PLACE),inject_stores.py $(PLACE),inject.py) $(or $(COUNT),200) --kills $(or $(KILLS),16)

bench: setup  ## measure every stage: make bench [SIZES="100000x20x3 …"] [INPUT=cases.csv] [K=10] [R=3] [JSON=figures.json]
	$(BIN)/python benchmarks/bench.py $(SIZES) $(if $(INPUT),--input $(INPUT)) $(if $(K),--k $(K)) $(if $(R),--length $(R)) $(if $(JSON),--json $(JSON)) $(BENCH)

showcase: setup  ## how fast showcases are, in a browser: make showcase [SIZES="100000x30 …"]
	$(BIN)/python benchmarks/showcase.py $(SIZES)

cost: setup  ## fit the cost model to figures of make bench, and plan: make cost [JSON=figures.json]
	$(BIN)/python benchmarks/cost.py $(or $(JSON),benchmarks/measured.json) --write benchmarks/COST.md

jobs: setup  ## how many Spark jobs a run takes, stage by stage
	$(BIN)/python benchmarks/jobs.py

anonymeter: setup  ## ask the Anonymeter library again what its attacks find, for the tests of ours; needs an index of packages
	PYTHONPATH=tests/support $(BIN)/python tests/support/anonymeter_reference.py

licences: setup  ## list the licence of every package that an installation brings: docs/LICENCES.md
	$(BIN)/python conf/setup/licences.py

audit:  ## ask a database of known vulnerabilities about requirements.lock; needs a network
	test -x .venv-audit/bin/pip-audit || { $(PYTHON) -m venv .venv-audit && .venv-audit/bin/python -m pip install --quiet pip-audit; }
	.venv-audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip

ranges:  ## test the lowest and the newest versions that pyproject.toml allows; needs a network: make ranges [ENDS="floor ceiling"]
	$(PYTHON) conf/setup/ranges.py $(ENDS) $(if $(FOLDER),--folder $(FOLDER))

incremental: setup  ## measure a run that adds 5 % to an earlier one: make incremental [SIZES=1000000x20x3]
	$(BIN)/python benchmarks/incremental.py $(SIZES) $(BENCH)

wheel: setup  ## build the wheel into dist/
	rm -f dist/synth_spark-*.whl
	$(BIN)/python -m build --wheel --no-isolation

docs: setup  ## the site of the documents, into dist/site/: needs no network; a link that leads nowhere is an error
	$(BIN)/mkdocs build --quiet --strict --config-file conf/site/mkdocs.yml

clean:  ## remove what the commands above made
	rm -rf .venv .venv-audit dist demo out out.work .pytest_cache .mypy_cache .ruff_cache .hypothesis
