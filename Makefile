# Everything below sets itself up in .venv: Python 3.11 or newer and pip are all it takes.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready
# The official client, installed light beside the environment: it is the referee of the tests.
SDK := .sdk/0.74.7
SDK_PINS := craft-ai-sdk==0.74.7 PyJWT==2.15.1 StrEnum==0.5.0 typing_extensions==4.16.0
# An older one, which the long tests run in a process of its own.
OLD_SDK := .sdk/0.64.1
OLD_SDK_PINS := craft-ai-sdk==0.64.1 PyJWT==2.15.1 StrEnum==0.4.15 typing_extensions==4.16.0

.DEFAULT_GOAL := help
.PHONY: help demo test test-all check lint types arrows docs reference format bench audit migration wheel sdk lock

help: ## Print this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(SDK)/.ready: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(SDK) $(SDK_PINS)
	@touch $@

$(OLD_SDK)/.ready: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(OLD_SDK) $(OLD_SDK_PINS)
	@touch $@

sdk: $(SDK)/.ready $(OLD_SDK)/.ready ## Install the official clients beside the environment.

demo: $(READY) ## Mirror the built-in simulator twice and print what came in.
	$(BIN)/craftsync demo

test: $(READY) $(SDK)/.ready ## Run the tests (under 6 minutes on 2 cores).
	$(BIN)/python -m pytest -n 3 -m "not long"

test-all: $(READY) $(SDK)/.ready $(OLD_SDK)/.ready ## Run the tests and the long gates.
	$(BIN)/python -m pytest -n 2

check: lint types arrows docs ## Lint, types, arrows and docs, without the tests.

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

arrows: $(READY)
	$(BIN)/lint-imports --no-cache

docs: $(READY)
	$(BIN)/python -m pytest -q -m "not long" tests/house/test_docs.py

reference: $(READY) ## Write docs/relations.md and docs/commands.md anew from the code.
	$(BIN)/python docs/reference.py

format: $(READY) ## Format the code and mend what ruff can mend.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) $(SDK)/.ready ## Print the figures of the benchmarks.
	$(BIN)/python benchmarks/startup.py

audit: $(READY) ## Check the pinned dependencies for known vulnerabilities.
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip

migration: $(READY) ## Make the next migration: make migration name=what_the_reader_gains
	$(BIN)/python -m alembic --config migrations/alembic.ini revision -m "$(name)"

wheel: $(READY) ## Build the wheel into dist/.
	$(BIN)/python -m hatchling build -t wheel

lock: ## Write requirements.lock anew from pyproject.toml.
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet ".[dev]"
	.venv-lock/bin/python -m pip freeze --exclude craftsync > requirements.lock
	rm -rf .venv-lock
