# `make demo` and `make test` do all their own set-up.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
SOURCES := streaming producers tests benchmarks
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

.PHONY: setup demo test check format schema monitoring lock

setup: $(INSTALLED)  ## what everything else needs: .venv, and Prism in the user's cache
	@$(BIN)/python -m streaming.local.prism

$(INSTALLED): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## the whole service on this machine, and the account of every message
	@$(BIN)/pubsub-inference demo

test: setup  ## all tests, those with emulators included
	$(BIN)/python -m pytest

check: setup  ## the linters
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/hadolint Dockerfile

format: setup  ## mend what the linters can mend
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

schema: setup  ## the JSON schema of the job file, and the template's specification
	$(BIN)/python -m streaming.job > job.schema.json
	$(BIN)/python -m streaming.dataflow.spec > flex_template.json

monitoring: setup  ## the dashboard and the alerts of Cloud Monitoring
	$(BIN)/python -m streaming.monitoring.files monitoring

lock: setup  ## the pinned requirements, from pyproject.toml
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra dev --extra report --constraint requirements.txt --output-file requirements-dev.txt
