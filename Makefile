# Two commands for a newcomer: make demo, make test. `make check` is what a developer runs before a commit.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DELETE_ON_ERROR:
.PHONY: demo ui test check lint types audit benchmark clean

demo: $(VENV)/.installed
	@$(BIN)/ecom-pipeline demo

ui: $(VENV)/.installed
	@$(BIN)/ecom-pipeline ui --config var/demo/ecom.toml

test: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest -q -n 2 --dist loadscope

check: lint types test

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

audit: $(VENV)/.installed-dev
	$(BIN)/pip-audit --strict --requirement constraints.txt

benchmark: $(VENV)/.installed-dev
	$(BIN)/python -m ecom_pipeline_tests.benchmarks
	$(BIN)/python -m ecom_pipeline_tests.benchmarks.sources

clean:
	rm -rf $(VENV) var/demo build *.egg-info # not var: a real shop's warehouse and ledger lie there

$(BIN)/pip:
	@sh tools/native-libraries.sh $(PYTHON)
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the pinned packages into $(VENV); this takes a minute or two."
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.installed
	@echo "Installing what the tests need."
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
