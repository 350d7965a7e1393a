# Needs Python >= 3.11, make and the package registries. `make` alone says what there is.

PYTHON := $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.14 python,$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
READY := .venv/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
# Compiled modules are kept, whatever the shell says: hundreds of processes start in a run of the tests, five in every `up`.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo up down status test test-long check freeze bench lock wheel clean

help:  ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1|/' | column -t -s '|' 2>/dev/null || grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none is on the PATH: install one (python.org, your package manager)."; exit 1; }
	@echo "==> making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { echo "This Python has no venv module: install it (on Debian and Ubuntu: the package python3-venv)."; exit 1; }
	@echo "==> installing what requirements.lock pins, about half a minute"
	@$(BIN)/python -m pip install --require-hashes --requirement requirements.lock || { echo "A package could not be installed: is a package registry reachable with pip?"; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)
	@echo "==> ready"

demo: $(READY)  ## Set up everything, import a sample, work some cases, and see that it all adds up
	@$(BIN)/madoguchi demo

up: $(READY)  ## Start the city on this machine and leave it running
	@$(BIN)/madoguchi up

down: $(READY)  ## Stop it
	@$(BIN)/madoguchi down

status: $(READY)  ## What runs, and where
	@$(BIN)/madoguchi status

test: $(READY)  ## Set up everything and run all tests but the long ones, a file more at a time than there are cores
	@$(BIN)/python -m pytest -m "not long" --durations=10 --no-loadscope-reorder \
		--numprocesses=$$($(BIN)/python -c 'import os; print(min(6, 1 + max(2, os.cpu_count() or 2)))')

test-long: $(READY)  ## The tests that take minutes: 100,000 simulated schedules
	@$(BIN)/python -m pytest -m long

check: $(READY)  ## All linters, types, import contracts, frozen contracts, secrets, advisories
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m contracts.freeze --check
	$(BIN)/python -m deploy.leaks
	$(BIN)/python -m deploy.advisories

freeze: $(READY)  ## Freeze the schemas of the contracts as files
	@$(BIN)/python -m contracts.freeze

bench: $(READY)  ## What the product costs, beside its rivals, in one run
	@$(BIN)/madoguchi bench e2e

wheel: $(READY)  ## The contracts as a wheel of their own, into dist/
	@cd contracts && ../$(BIN)/python -m hatchling build -t wheel -d ../dist

lock:  ## Pin everything again: hashes, no addresses
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	@.venv-lock/bin/uv pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 --no-header --no-annotate --quiet --output-file requirements.lock
	@rm -rf .venv-lock

clean: ## Remove the environment and all local data
	@test ! -x $(BIN)/madoguchi || $(BIN)/madoguchi down --reset || true
	rm -rf .venv .madoguchi dist
