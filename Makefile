# `make help` lists what there is. PYTHON may name another interpreter: make sweep PYTHON=python3.12
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable
SPACE ?= search_spaces/rank.yaml
PROFILE ?= embedded
# Files of tests side by side, one process a core; tests that start Ray run one after another.
SIDE_BY_SIDE := -n logical --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install sweep wheel test test-fast test-long check format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(TESTABLE) ## Create .venv and install everything, for tests too, once

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is $$($(PYTHON) --version 2>&1), but 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "no virtual environment could be made; on Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Installing into $(VENV): about 2 GB, once; a few minutes."
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(TESTABLE): $(INSTALLED)
	@echo "Installing what tests need, the tools that sweeps are tracked in among it: once; a minute."
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev,track]"
	@touch $@

sweep: $(INSTALLED) ## Run the main sweep (SPACE=search_spaces/rank.yaml PROFILE=embedded)
	$(BIN)/python -m orchestrator.sweep $(SPACE) --profile $(PROFILE)

wheel: $(INSTALLED) ## Build dist/*.whl, which needs nothing of this checkout
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

test: $(TESTABLE) ## Run every test but the long forms of crash and soak tests
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not ray and not long"
	$(BIN)/python -m pytest -m "ray and not long"

test-fast: $(TESTABLE) ## Run the tests of a minute: no cluster, no crash, nothing slow
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) -m "not slow and not ray and not crash and not long"

test-long: $(TESTABLE) ## Run the long forms of crash and soak tests
	$(BIN)/python -m pytest -m long

check: $(TESTABLE) ## Run ruff and mypy (strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(TESTABLE) ## Format the code and sort the imports
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove .venv and the caches; experiments/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist ./*.egg-info
