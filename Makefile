# make quick          install into .venv and run the workflow on the embedded digits, in under a minute without network
# make full           train the 72 published runs; downloads MNIST and CIFAR-10
# make test           run the fast tests
# make test-slow      run the slow tests
# make test-slurm     run the tests on a SLURM cluster, which they start on this machine (Debian, as root)
# make test-browser   run the tests of the pages in Chromium, which must be installed
# make bench          compare the speed of training with PyTorch, JAX, scikit-learn and plain NumPy (12 minutes)
# make bench-search   compare successive halving with the full search, random search and Optuna (hours)
# make docs           build the documentation site in docs/_build and print the sentence length of each page
# make lint           check formatting, types, imports, words, the workflow and GitHub's workflows
# make format         format the code
# make generated      write the conda environments, workflow/sources.txt and the generated reference
# make javascript     install D3 from npm and write scripts/handgrad/page/assets/d3.min.js (needs Node.js)
# make diagrams       draw the rule graph and the package diagram of the documentation
# To check, plan, watch and archive experiments, use the command that make quick installs: .venv/bin/handgrad --help
PYTHON ?= python3
CORES ?= all
CONFIG ?= benchmarks/search.yaml
unexport SNAKEMAKE_PROFILE # make uses only the profile of this workflow
BIN := .venv/bin
SNAKEMAKE := $(BIN)/snakemake --cores $(CORES)

.PHONY: quick full test test-slow test-slurm test-browser bench bench-search docs lint format generated javascript diagrams help

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

# Without PyTorch or JAX, the benchmark reports "not installed". To install them: $(BIN)/pip install -r requirements-bench.txt
bench: .venv/workflow
	$(BIN)/python benchmarks/compare_speed.py

# Without Optuna, it is left out. To install it: $(BIN)/pip install -r requirements-bench.txt
bench-search: .venv/workflow
	$(SNAKEMAKE) --configfile $(CONFIG) --until preprocess_dataset
	$(BIN)/python benchmarks/compare_search.py $(CONFIG)

test: .venv/development
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not slurm and not browser"

test-slow: .venv/development
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

# These tests mostly wait, so they use more processes than this machine has cores.
test-slurm: .venv/development
	$(BIN)/python -m pytest -v -n 6 --dist worksteal -m slurm tests/slurm

# Two processes, each with a browser. They share the experiments and the site, which are made once.
test-browser: .venv/development tools/javascript/node_modules
	$(BIN)/python -m pytest -v -n 2 --dist worksteal -m browser tests/browser

docs: .venv/development
	$(BIN)/sphinx-build -E -W --keep-going -b html docs docs/_build

lint: .venv/development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PYTHONPATH=scripts $(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/python tools/check_words.py
	$(BIN)/zizmor --offline --quiet .github

format: .venv/development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

generated: .venv/workflow
	PYTHONPATH=scripts $(BIN)/python tools/write_generated.py

# The versions are in tools/javascript/package.json. To update one, change it there and run make javascript.
javascript: tools/javascript/node_modules
	cd tools/javascript && npm run build

tools/javascript/node_modules: tools/javascript/package.json
	cd tools/javascript && npm install --no-audit --no-fund --omit-lockfile-registry-resolved
	@touch $@

diagrams: .venv/development
	PYTHONPATH=scripts $(BIN)/python tools/draw_diagrams.py

.venv/workflow: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "$(PYTHON): found $$($(PYTHON) --version 2>&1), expected Python 3.11 or later; run make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/development: requirements-dev.txt requirements-bench.txt .venv/workflow
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
