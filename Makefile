# What people and machines do with this project; `make` alone tells.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench pool system pytest

help:  ## say what can be made
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP)  ## start the portal with a workspace of its own, for trying it out (DEMO="--port 9000")
	@exec $(BIN)/python -m vispa_panel.demo.command $(DEMO)

test: system $(STAMP)  ## all checks: style, types, imports, tests, and the wheel outside the tree
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory pytest

lint: $(STAMP)  ## style, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports

bench: $(STAMP)  ## measure against the yardsticks, written to bench/RESULTS.md
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[bench]'
	$(BIN)/python -m bench

pool:  ## start the HTCondor test pool (as root; deploy/testpool/README.md)
	@command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap >/dev/null
	@deploy/testpool/pool.sh up
	@echo "The pool is up. For a portal: deploy/testpool/pool.sh relay 2222, and in its settings:"
	@deploy/testpool/pool.sh settings 2222

pytest: $(STAMP)
	$(BIN)/pytest -n 2

system:
	@sh deploy/test-system.sh

# The environment is made anew when what it holds has changed, and not otherwise.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it with: make PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,examples]'
	@touch $@
