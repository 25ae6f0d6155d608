# make quick          the whole workflow on the embedded digits dataset: no network, under a minute
# make test           the tests (make test-slow: those that take longer)
# make test-slurm     the tests on a SLURM cluster, which they start on this machine: Debian, as root
# make test-browser   the tests of the pages in Chromium, which must be installed
# make full           the published 72 runs; downloads MNIST and CIFAR-10
# make bench          how fast training is beside PyTorch, JAX, scikit-learn, plain NumPy and the bound: 12 minutes
# make report         the page of an experiment, and Snakemake's report: make report CONFIG=config/quick.yaml (what is
#                     not up to date is made again first, runs too)
# make plan           what an experiment would run and what that costs: make plan CONFIG=my.yaml CORES=8, or
#                     PROFILE=profiles/slurm for a cluster
# make status         how far an experiment is, while it runs or after: make status CONFIG=my.yaml
# make check-config   what is wrong with an experiment file: make check-config CONFIG=my.yaml
# make recover        after snakemake was killed: end what it left at work, unlock, tidy up
# make clean-checkpoints  remove the checkpoints of all runs; says how much room that made
# make stale          what of results/ no experiment file needs: make stale FILES="config/config.yaml mine.yaml"
# make prune          the same, and removes it after asking (YES=1: without)
# make archive        pack one finished experiment, whole and small: make archive CONFIG=mine.yaml
# make verify         prove an archive whole and its tables right: make verify ARCHIVE=archives/mine.tar.gz
# make sources        list the files that scripts need beside them, after one was added (docs/ecosystem.md)
# make lint           formatting, types and Snakemake's own lint
PYTHON ?= python3
CORES ?= all
CONFIG ?= config/config.yaml
# the value of a variable as one word for the shell, whatever is in it
quoted = '$(subst ','\'',$(value $(1)))'
# of the environment: another profile than the workflow's own, and what keeps Python from finding scripts/handgrad
unexport SNAKEMAKE_PROFILE PYTHONSAFEPATH
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)
# What is called beside Snakemake takes .venv's Python or, where there is no .venv, the active one that has the packages
# (conda); where there is neither, .venv is made.
ACTIVE := $(if $(wildcard $(BIN)/python),,$(shell python -c 'import h5py, rich, snakemake' >/dev/null 2>&1 && echo python))
INSTALLED = $(or $(ACTIVE),$(BIN)/python)
INSTALLATION := $(if $(wildcard $(BIN)/python)$(ACTIVE),,.venv/workflow)

.PHONY: quick test test-slow test-slurm test-browser full bench report plan status check-config recover clean-checkpoints stale prune archive verify sources lint format help

help:
	@sed -n '/^[^#]/q; s/^# //p' Makefile

quick: .venv/workflow
	$(SNAKEMAKE) --configfile config/quick.yaml
	@$(MAKE) --no-print-directory report CONFIG=config/quick.yaml
	@echo; cat results/quick/tables/results.md
	@echo; echo "The page: $(CURDIR)/results/quick/summary.html"
	@echo "Snakemake's report: $(CURDIR)/results/quick/report.html"

full: .venv/workflow
	$(SNAKEMAKE)

# PyTorch and JAX are compared with where .venv has them: $(BIN)/pip install -r requirements-bench.txt
bench: .venv/workflow
	$(BIN)/python benchmarks/compare_speed.py

report: $(INSTALLATION)
	@config=$(call quoted,CONFIG) && name=$$($(INSTALLED) scripts/check_config.py --name -- "$$config") && \
	{ test -f "results/$$name/tables/results.csv" || \
	  { echo "make report: results/$$name/tables/results.csv is not there; run snakemake --configfile $$config first" >&2; exit 1; }; } && \
	$(INSTALLED) -m snakemake --cores $(CORES) --configfile "$$config" -- "results/$$name/summary.html" && \
	$(INSTALLED) -m snakemake --configfile "$$config" --report "results/$$name/report.html"

plan: $(INSTALLATION)
	@$(INSTALLED) scripts/plan_experiment.py --cores $(CORES) $(if $(PROFILE),--profile $(call quoted,PROFILE)) -- $(call quoted,CONFIG)

status: $(INSTALLATION)
	@$(INSTALLED) scripts/show_status.py -- $(call quoted,CONFIG)

# takes FILE= as well
check-config: $(INSTALLATION)
	@$(INSTALLED) scripts/check_config.py -- $(call quoted,$(if $(value FILE),FILE,CONFIG))

recover: $(INSTALLATION)
	@$(INSTALLED) scripts/recover_workflow.py

clean-checkpoints: $(INSTALLATION)
	@$(INSTALLED) scripts/clean_checkpoints.py

stale: $(INSTALLATION)
	@$(INSTALLED) scripts/prune_results.py -- $(value FILES)

# YES counts where it was typed, and not where the environment has it
prune: $(INSTALLATION)
	@$(INSTALLED) scripts/prune_results.py --prune $(if $(filter command,$(firstword $(origin YES))),$(if $(filter 1,$(YES)),--yes)) -- $(value FILES)

archive: $(INSTALLATION)
	@$(INSTALLED) scripts/archive_experiment.py $(call quoted,CONFIG)

verify: $(INSTALLATION)
	@$(INSTALLED) scripts/verify_archive.py $(call quoted,ARCHIVE)

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

environment.yml: requirements.txt scripts/write_environment.py
	$(PYTHON) scripts/write_environment.py

sources:
	$(PYTHON) scripts/write_sources.py

.venv/workflow: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "handgrad needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>&1). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

.venv/development: requirements-dev.txt requirements-bench.txt .venv/workflow
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
