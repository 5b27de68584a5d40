# Two commands on a fresh machine: `make profile` and `make test`.
VENV ?= .venv
PYTHON ?= python3
DEMO ?= demo
BIN := $(VENV)/bin

.PHONY: profile test lint types environment clean

environment: $(VENV)/.installed

# --no-deps: the lock names everything, and older pips refuse extras under --require-hashes.
$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

profile: environment
	@test -e $(DEMO)/profile.yaml || $(BIN)/profile-pipeline sample $(DEMO)
	@$(BIN)/profile-pipeline run --profile $(DEMO)

test: environment
	$(BIN)/python -m pytest

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) $(DEMO)
