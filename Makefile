# `make run` and `make test` set up what they need and then do their job; Python 3.11+, make and git are enough.
PYTHON ?= python3
BENCH ?= yes
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Three processes on two cores, since some tests wait; the tests of one file stay together, since they share servers and
# builds. The longest files go first (tests/conftest.py), so that no core idles at the end.
PARALLEL ?= -n 3 --dist loadfile --no-loadscope-reorder
RUN_STAMP := $(VENV)/.run-$(BENCH)
TEST_STAMP := $(VENV)/.test
comma := ,
EXTRAS := $(if $(filter no,$(BENCH)),dashboard,dashboard$(comma)bench)
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt $(PIP_ARGS)

.PHONY: run setup test test-long perf soak docs lint format clean

run: setup  ## collect, benchmark, build, show, serve the dashboard (BENCH=no without tensorflow and torch)
	$(BIN)/dlpulse run

setup: $(RUN_STAMP)  ## the set-up alone

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "dlpulse needs Python 3.11, 3.12 or 3.13; name one with PYTHON=…")'
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): $(BIN)/python pyproject.toml constraints.txt
	@echo "Setting up .venv: $(if $(filter no,$(BENCH)),about 1 GB,about 3.5 GB with tensorflow and torch; BENCH=no leaves them out)."
	$(INSTALL) -e '.[$(EXTRAS)]'
	@touch $@

$(TEST_STAMP): $(BIN)/python pyproject.toml constraints.txt
	@echo "Setting up .venv for the tests: about 3.5 GB."
	$(INSTALL) -e '.[dashboard,bench-jax,dev]'
	@touch $@ $(VENV)/.run-yes $(VENV)/.run-no

test: lint  ## everything that CI checks, under 20 minutes
	$(BIN)/python -m pytest -m 'not long' $(PARALLEL)

test-long: lint  ## the long forms too
	$(BIN)/python -m pytest $(PARALLEL)

perf: $(TEST_STAMP)  ## ratios against a named rival; prints, asserts nothing
	$(BIN)/python -m tests.perf

soak: $(TEST_STAMP)  ## three years of daily operation, about half an hour; prints what they cost
	$(BIN)/python -m tests.soak

docs: $(TEST_STAMP)  ## the documentation as a site, in artifacts/site
	$(BIN)/python -m cogapp -r docs/commands.md
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

lint: $(TEST_STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) artifacts
