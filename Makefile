# Every target makes the virtual environment that it needs. `make` alone lists the targets.

PYTHON      ?= python3
VENV        ?= .venv
DATA        ?= data
HOST        ?= 127.0.0.1
PORT        ?= 8002
TORCH_INDEX ?=

SHELL         := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: bench check clean docs e2e help lint screenshots serve smoke test venv venv-dev

BIN        := $(VENV)/bin
ONEMASTER  := $(BIN)/onemaster
PIP        := $(BIN)/python -m pip --disable-pip-version-check
# The variable keeps the theme from telling everybody about its successor.
MKDOCS     := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs
BENCHMARKS := sample_realism pairs ablation few_labels review_loop throughput encoder index dedupe beside_exact peers \
              ten_times scale service calls tables plots

serve: $(VENV)/.runtime ## serve DATA on HOST:PORT (the first time: write the sample, train, build the index)
	@[[ -e "$(DATA)/catalog.db" ]] || $(ONEMASTER) sample --data "$(DATA)"
	@[[ -e "$(DATA)/models/CURRENT" || ! -e "$(DATA)/groundtruth.csv" ]] || $(ONEMASTER) train --data "$(DATA)"
	@[[ -e "$(DATA)/index/CURRENT" ]] || $(ONEMASTER) rebuild --data "$(DATA)"
	@exec $(ONEMASTER) serve --data "$(DATA)" --host "$(HOST)" --port "$(PORT)"

test: $(VENV)/.dev ## run the tests, on all cores
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile

e2e: $(VENV)/.dev ## run the tests of the pages in a browser (Debian's chromium)
	ONEMASTER_E2E=1 $(BIN)/python -m pytest tests/test_in_a_browser.py

screenshots: $(VENV)/.dev ## take the pictures of the pages that the documentation shows
	ONEMASTER_E2E=1 ONEMASTER_SCREENSHOTS=1 $(BIN)/python -m pytest tests/test_in_a_browser.py -k "ten_pairs or comparing or slider"

lint: $(VENV)/.dev ## ruff, mypy, pydoclint, import contracts, what is delivered, documentation
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/flake8 # pydoclint, see .flake8
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/kubernetes-validate --strict --quiet --no-warn deploy/kubernetes/*.yaml # RayJob: tests/test_ray_job.py
	$(BIN)/cfn-lint --non-zero-exit-code informational -- deploy/aws/onemaster.yaml
	$(MKDOCS) build --quiet

docs: $(VENV)/.dev ## write the documentation as a site into build/site
	$(MKDOCS) build --quiet

check: lint test ## lint, then test

smoke: $(VENV)/.runtime ## start the service on a sample of its own and run the README's requests
	$(BIN)/python tests/smoke.py

bench: $(VENV)/.dev ## run every benchmark
	@set -e; for name in $(BENCHMARKS); do $(BIN)/python -m "benchmarks.$$name"; done

venv: $(VENV)/.runtime ## make the virtual environment for serving

venv-dev: $(VENV)/.dev ## add the tools for tests and lint

clean: ## remove the virtual environment, caches and build products (never data/)
	rm -rf "$(VENV)" build dist ./*.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

$(VENV)/.runtime: pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
		echo "expected Python 3.11 or 3.12, but $(PYTHON) is $$("$(PYTHON)" --version 2>&1);" \
			"name another one: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"
	@[[ -z "$(TORCH_INDEX)" ]] \
		|| $(PIP) install --no-deps --index-url "$(TORCH_INDEX)" --constraint constraints.txt torch
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test,lint]'
	@touch $@
