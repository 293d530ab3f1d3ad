# Everything a person types while working on Voxloop. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet
SOURCES := pyproject.toml constraints.txt hatch_build.py $(shell find web/src web/index.html web/package-lock.json -type f 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format types web docs bench clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/ready ## a .venv with voxloop in it (done once, then instant)

demo: $(VENV)/ready ## the whole loop on synthetic scans, then the page
	$(BIN)/voxloop demo

test: $(VENV)/ready-test ## install, lint, types, Python tests, page tests, browser tests
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/run.py

lint: $(VENV)/ready-test ## ruff, import contracts, the page's linter
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports && $(BIN)/python -m tests.page lint

format: $(VENV)/ready-test ## let ruff and the page's formatter rewrite the code
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/python -m tests.page format

types: $(VENV)/ready-test ## mypy --strict over src, tests and benchmarks
	$(BIN)/mypy

web: $(VENV)/ready-test ## build the page into the package
	$(BIN)/python -m tests.page build

docs: $(VENV)/ready-test ## refresh the generated reference pages
	$(BIN)/python docs/generate.py

bench: $(VENV)/ready-test ## every claim of speed, measured here
	$(BIN)/python benchmarks/run.py

clean: ## remove what make made (never your data or projects)
	rm -rf $(VENV) web/node_modules src/voxloop/server/page dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "voxloop needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip

$(VENV)/ready: $(VENV)/bin/python $(SOURCES)
	@echo "Installing voxloop into $(VENV) (a few minutes the first time) ..."
	$(PIP) --constraint constraints.txt --editable .
	@touch $@

# What the checks import is compiled when they do: half of what is installed they never do.
$(VENV)/ready-test: $(VENV)/bin/python $(SOURCES)
	@echo "Installing voxloop and what its tests need into $(VENV) (a few minutes the first time) ..."
	$(PIP) --no-compile --constraint constraints.txt --editable '.[dev]'
	$(BIN)/python -m tests.peers $(VENV)/peers
	@touch $(VENV)/ready $@
