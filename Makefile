# make quick          set up .venv and run the whole workflow on the embedded digits: no network, under a minute
# make full           the published 72 runs; downloads MNIST and CIFAR-10
# make test           the tests (make test-slow: those that take longer)
# make test-slurm     the tests on a SLURM cluster, which they start on this machine: Debian, as root
# make test-browser   the tests of the pages in Chromium, which must be installed
# make bench          how fast training is beside PyTorch, JAX, scikit-learn, plain NumPy and the bound: 12 minutes
# make lint           formatting, types, imports and Snakemake's own lint
# make format         format the code
# make generated      write the files that are made from others: environments, workflow/sources.txt
# Experiments are checked, planned, watched and archived by the command that make quick installs: .venv/bin/handgrad --help
PYTHON ?= python3
CORES ?= all
unexport SNAKEMAKE_PROFILE # another profile than the workflow's own
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)

.PHONY: quick full test test-slow test-slurm test-browser bench lint format generated help

help:
	@sed -n '/^[^#]/q; s/^# //p' Makefile

quick: .venv/workflow
	$(SNAKEMAKE) --configfile config/quick.yaml
	$(BIN)/handgrad report config/quick.yaml
	@echo; cat results/quick/tables/results.md
	@echo; echo "The page: $(CURDIR)/results/quick/summary.html"
	@echo "Snakemake's report: $(CURDIR)/results/quick/report.html"
	@echo "The command for your own experiments: $(BIN)/handgrad --help"

full: .venv/workflow
	$(SNAKEMAKE)

# PyTorch and JAX are compared with where .venv has them: $(BIN)/pip install -r requirements-bench.txt
bench: .venv/workflow
	$(BIN)/python benchmarks/compare_speed.py

test: .venv/development
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not slurm and not browser"

test-slow: .venv/development
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

# They wait more than they work, so each has a process of its own.
test-slurm: .venv/development
	$(BIN)/python -m pytest -v -n 6 --dist worksteal -m slurm tests/slurm

# One process: they share a browser and one run of the quick experiment.
test-browser: .venv/development
	$(BIN)/python -m pytest -v -n 0 -m browser tests/browser

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=scripts $(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

generated:
	$(PYTHON) tools/write_generated.py

.venv/workflow: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "handgrad needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/development: requirements-dev.txt requirements-bench.txt .venv/workflow
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
