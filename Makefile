# Needs only Python 3.11 or newer, make and a package index.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint types check bench prove docs clean

demo: $(STAMP)          ## learn on real images inside an installed package, and report
	$(BIN)/vesalius demo

test: $(STAMP) lint types          ## lint, types and all tests, with the skips by reason at the end
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)         ## every claim of speed against its named peer; FULL=1 for all of it
	$(BIN)/python -m benchmarks $(if $(FULL),--full)

prove: $(STAMP)         ## an issue's "must show" list: make prove ISSUE=2
	$(BIN)/python -m docs.prove $(ISSUE)

docs: $(STAMP)          ## the pictures and generated pages in docs/
	$(BIN)/python -m docs.make

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist
