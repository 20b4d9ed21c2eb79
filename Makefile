# Everything that is done with a checkout of crmcore: `make` lists it.
# PYTHON chooses the interpreter (make test PYTHON=python3.12), ARGS is passed on (make test ARGS=tests/store).

ifdef PYTHON
EXACT := --exact
endif
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

ifdef COVERAGE
PYTEST := $(BIN)/coverage run -m pytest
else
PYTEST := $(BIN)/python -m pytest
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test fuzz lint types contracts docs docs-check picture reference benchmarks wheel-check kit-check coverage translate clean python installed installed-dev

help: ## List what can be made
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: installed ## Create an example CRM, import files into it, label customers, write a page of reports
	$(BIN)/crmcore demo

test: installed-dev ## Run the whole test suite, in parallel and in random order
	$(PYTEST) -n auto $(ARGS)

fuzz: installed-dev ## Try damaged input for long: FUZZ examples of each kind, ARGS as for pytest; 4 GB of memory at most
	ulimit -v 4000000; FUZZ=$(or $(FUZZ),5000) $(BIN)/python -m pytest $(or $(ARGS),tests/fuzz)

lint: installed-dev ## Check the style and the format of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: installed-dev ## Check the types of the core
	$(BIN)/mypy

contracts: installed-dev ## Check that imports go downwards and that plugins see the public interface only
	$(BIN)/lint-imports

docs-check: installed-dev ## Check links, anchors, examples and paths in the documentation
	$(BIN)/python .ci/docs_check.py

docs: installed-dev ## Build the documentation as a site, build/docs/html/index.html
	$(BIN)/sphinx-build -c docs -b html -d build/docs/pages --fail-on-warning --keep-going --quiet . build/docs/html

reference: installed-dev ## Write the pages and tables of the reference that are made from the code
	$(BIN)/python .ci/reference

picture: installed-dev ## Make the picture of the README again; takes Chromium
	$(BIN)/python .ci/picture.py

benchmarks: installed-dev ## Measure crmcore against other tools, and write docs/benchmarks.md (ARGS="listing --scale 0.1")
	$(BIN)/python -m benchmarks --write $(ARGS)

wheel-check: installed-dev ## Build the wheel and run the demo from it, in an empty environment elsewhere
	$(BIN)/python .ci/wheel_check.py

kit-check: installed-dev ## Generate a plugin of each kind, install them with the examples, run their own tests
	$(BIN)/python .ci/kit_check.py

coverage: installed-dev ## Run the test suite and report which lines of the core it reached
	$(BIN)/coverage erase
	$(MAKE) test COVERAGE=yes
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

translate: installed-dev ## Bring the message catalogues up to date with the code, and compile them
	$(BIN)/python .ci/catalogue.py update

clean: ## Remove everything that was made, the virtual environment too
	rm -rf $(VENV) build dist demo htmlcov .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache benchmarks/.cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "crmcore needs Python 3.11 or newer; '$(PYTHON)' is" \
	    "$$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo 'not there'). Name another: make PYTHON=python3.12 ..." >&2; \
	  exit 1; }

installed: python
	@$(PYTHON) .ci/environment.py $(EXACT) $(VENV)

installed-dev: python
	@$(PYTHON) .ci/environment.py $(EXACT) --extra dev $(VENV)
