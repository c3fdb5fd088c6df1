# make demo   sets up, then listens to the example tracks
# make test   sets up, then lints, type-checks, checks the import contracts and runs the tests

PYTHON ?= python3
BIN := .venv/bin
TABLES ?= ../shared/data
AUDIO ?= ../shared/audio

.PHONY: demo test test-all lint bench models examples clean

demo: .venv/base
	$(BIN)/earmark listen examples --timeline
	@if [ -d $(AUDIO) ]; then $(BIN)/earmark listen $(AUDIO)/tracks --timeline; fi

test: lint
	$(BIN)/pytest -n auto -m "not slow"

test-all: lint
	$(BIN)/pytest -n auto

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Writes docs/benchmarks.md.
bench: .venv/dev
	$(BIN)/python bench/listen.py

# Trains the shipped models anew; the same recipe gives the same weights.
models: .venv/dev
	$(BIN)/earmark train-tables recipes/house12.toml $(TABLES) src/earmark/models/house12

# Renders the twelve example tracks anew.
examples: .venv/dev
	$(BIN)/python -c "from pathlib import Path; from earmark.synth.corpus import write_examples; write_examples(Path('examples'))"

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/base: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# torch first: pip then takes the pinned build, and what depends on torch finds it there.
.venv/dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --editable ".[train,dev]"
	@touch $@ .venv/base

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
