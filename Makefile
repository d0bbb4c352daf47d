# `make` alone prints the menu. Everything here sets itself up: Python 3.11 or newer and make are all that a machine needs.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= python3
# Tests are independent of each other: as many run at once as a small machine has cores.
TEST_ARGS ?= -n 2
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make

.PHONY: help
help: ## Print this menu
	@awk 'BEGIN {FS = ":.*## "} /^[a-z][a-z-]*:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements.lock pyproject.toml clients/pyproject.toml | $(STAMPS)/venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e ./clients -e .
	touch $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

$(STAMPS)/protoc: tools/protoc/requirements.lock
	$(PYTHON) -m venv .tools/protoc
	.tools/protoc/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	mkdir -p $(STAMPS) && touch $@

.PHONY: setup
setup: $(STAMPS)/run ## Install what the services and the command need

.PHONY: demo
demo: $(STAMPS)/run ## Run all eleven operations against a sandbox, and check its truth
	@$(BIN)/nhanhsync demo

.PHONY: up
up: $(STAMPS)/run ## Run the whole stack in the foreground: sandbox, JobTracker, SyncWorker
	@$(BIN)/nhanhsync up

.PHONY: test
test: $(STAMPS)/dev $(STAMPS)/protoc ## Run every test
	$(BIN)/python -m pytest $(TEST_ARGS)

.PHONY: chaos
chaos: $(STAMPS)/dev ## Try fencing and recovery by 300 seeded trials with real processes, in about 15 minutes
	$(BIN)/python -m tests.chaos --trials 300 --parallel 12

.PHONY: bench-tracker
bench-tracker: $(STAMPS)/dev ## Measure how fast a cancel and a dead worker's job reach a worker; run nothing beside it
	@$(BIN)/python -m bench.tracker

.PHONY: bench-pull
bench-pull: $(STAMPS)/dev ## Measure pulls beside the vendors' quotas, raw loops and other programs; run nothing beside it
	@$(BIN)/python -m bench.pull $(BENCH_ARGS)

.PHONY: simulate
simulate: $(STAMPS)/dev ## Simulate JobTracker in virtual time: 3,000 seeded scenarios, some millions of interleavings
	$(BIN)/python -m tests.simulation --scenarios 3000

.PHONY: lint
lint: $(STAMPS)/dev $(STAMPS)/protoc ## Check format, lint, types, floors, contract, stubs, container files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy services clients/nhanhsync/client clients/nhanhsync/cli examples
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code protos
	$(BIN)/buf breaking protos --against protos/released.binpb
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

.PHONY: format
format: $(STAMPS)/dev ## Format code and contract
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format --write protos

.PHONY: protos
protos: $(STAMPS)/protoc ## Write the stubs anew from the contract
	tools/protoc/generate.sh clients

.PHONY: release-contract
release-contract: $(STAMPS)/dev ## Remember the contract as released: from then on it only grows
	$(BIN)/buf build protos --output protos/released.binpb

.PHONY: lock
lock: $(STAMPS)/dev ## Write the locks anew, with hashes and without addresses
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-package nhanhsync --group build pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-package nhanhsync --group dev pyproject.toml --output-file requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header tools/protoc/requirements.in --output-file tools/protoc/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header bench/peers/dlt.in --output-file bench/peers/dlt.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header bench/peers/tap.in --output-file bench/peers/tap.lock
