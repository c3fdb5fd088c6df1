# make demo   sets up, then listens to the example tracks
# make web    sets up, then opens them in the browser
# make test   sets up, then lints, type-checks, checks the import contracts and runs the tests

PYTHON ?= python3
BIN := .venv/bin
TABLES ?= ../shared/data
AUDIO ?= ../shared/audio
MUSIC ?= ../shared/music
TEACHERS ?= ../shared/teachers
WORKERS ?= 2
SHIPPED := src/earmark/models

.PHONY: demo web test test-all lint bench models examples guide clean

demo: .venv/base
	@$(BIN)/earmark listen examples/04-drum-and-bass.opus --timeline
	@$(BIN)/earmark listen examples --brief
	@if [ -d $(AUDIO)/tracks ]; then echo; echo "real recordings:"; $(BIN)/earmark listen $(AUDIO)/tracks --brief; fi
	@echo
	@echo "What next?"
	@echo "  $(BIN)/earmark listen YOUR-FILES           which style is it?"
	@echo "  $(BIN)/earmark scan YOUR-MUSIC             hear a whole collection once; then: earmark find"
	@echo "  make web                                   all of it in the browser"
	@echo "  $(BIN)/earmark teach FOLDER-OF-CRATES OUT  your own styles, from a folder of tracks for each (docs/teach.md)"

# Opens the browser application on the example tracks.
web: .venv/web
	@$(BIN)/earmark scan examples --catalogue build/examples.db
	@$(BIN)/earmark serve examples --catalogue build/examples.db

test: lint
	$(BIN)/pytest -n auto -m "not slow"

test-all: lint
	$(BIN)/pytest -n auto

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Writes docs/benchmarks.md; all but its long section on rhythm.
bench: .venv/dev
	$(BIN)/python -m bench

# Makes the shipped models anew, each stage where it is not there yet: after an interruption, even `kill -9`, the same
# command goes on. What is made on the way stays in build/; docs/ear.md says how long it takes and what it needs.
models: .venv/dev
	[ -d build/house12 ] || $(BIN)/earmark train-tables house12 $(TABLES) build/house12 --music $(MUSIC)
	[ -d build/ear ] || $(BIN)/earmark distil ear build/ear --workers $(WORKERS) --music $(MUSIC) \
	    --tables $(TABLES) --teachers $(TEACHERS) --real $(AUDIO)
	[ -d build/shipped/house12 ] || $(BIN)/earmark pool house12-pool build/house12 build/ear build/shipped/house12
	$(BIN)/earmark synth corpus build/corpus --per-style 60 --artists 40 --seed 7 --workers $(WORKERS)
	$(BIN)/earmark synth corpus build/corpus --per-style 100 --artists 40 --seed 8 --workers $(WORKERS) --follow $(TABLES)
	[ -d build/shipped/emusic12 ] || $(BIN)/earmark train build/corpus/manifest.csv build/shipped/emusic12 \
	    --recipe recipes/emusic12.toml --decoders $(WORKERS) \
	    $(if $(wildcard build/shipped/emusic12.training/checkpoint.safetensors),--resume)
	for model in house12 emusic12; do rm -rf $(SHIPPED)/$$model && cp -R build/shipped/$$model $(SHIPPED)/ || exit 1; done

# Renders the twelve example tracks anew.
examples: .venv/dev
	$(BIN)/python -c "from pathlib import Path; from earmark.synth.corpus import write_examples; write_examples(Path('examples'))"

# Runs the handy guide and keeps what it shows.
guide: .venv/dev
	$(BIN)/jupytext --to ipynb notebooks/guide.py
	OMP_NUM_THREADS=1 $(BIN)/python -m nbconvert --to notebook --execute --inplace \
	    --ExecutePreprocessor.timeout=900 notebooks/guide.ipynb

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/base: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/web: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[web,dj,teach]"
	@touch $@ .venv/base

# torch first: pip then takes the pinned build, and what depends on torch finds it there.
.venv/dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --editable ".[train,dev]"
	@touch $@ .venv/base .venv/web

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache
