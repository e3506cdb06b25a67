# Needs only Python 3.11 or newer, make and a package index.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint types bench dist floors prove docs pictures gallery clean

demo: $(STAMP)          ## learn on real images inside an installed package, and report
	$(BIN)/vesalius demo

test: $(STAMP) lint types          ## lint, types and all tests, with the skips by reason at the end
	$(BIN)/python -m pytest -q -n 2 --dist worksteal $(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)         ## every claim of speed or memory against its named peer; goes on where it was; AGAIN=1 anew, FULL=1 at length (hours)
	$(BIN)/python -m benchmarks $(if $(FULL),--full) $(if $(AGAIN),--again)

dist: $(STAMP)          ## sdist and wheel, in dist/
	$(BIN)/python -m build

floors: $(STAMP)        ## the lowest versions that pyproject.toml allows, tried: imports, files, views, each verb
	$(BIN)/python -m docs.proofs.floors

prove: $(STAMP)         ## an issue's "must show" list: make prove ISSUE=2
	$(BIN)/python -m docs.prove $(ISSUE)

docs: $(STAMP)          ## the documents as a site in site/, with a reference written from the code; opens offline
	$(BIN)/python -m docs.site

pictures: $(STAMP)      ## the pictures and generated pages in docs/ (minutes; needs chromium)
	$(BIN)/python -m docs.make

gallery: $(STAMP)       ## docs/gallery.md and its pictures; PROVE_DATA: the folder of pneumoniamnist.npz (minutes; needs chromium)
	$(BIN)/python -m docs.gallery

$(STAMP): pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist
