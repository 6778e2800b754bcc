# Two commands matter: `make run` and `make test`. Both do all their own set-up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DIR ?= .
FILE ?=
ASK ?=

.PHONY: run test check bench format clean

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Copydesk needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 …")'
	@echo "setting up $(VENV) …" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e .
	@touch $@

run: $(VENV)/.ready
	@DIR="$(DIR)" FILE="$(FILE)" ASK="$(ASK)" APPLY="$(APPLY)" $(BIN)/python -m tests.demo

test: $(VENV)/.ready
ifeq ($(SLOW),1)
	@$(MAKE) --no-print-directory check
	@SLOW=1 $(BIN)/python -m pytest -n auto
else
	@$(BIN)/python -m pytest -n auto
endif

check: $(VENV)/.ready
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@PYTHONPATH=server $(BIN)/lint-imports
	@$(BIN)/basedpyright

format: $(VENV)/.ready
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/.ready
	@PYTHONPATH=server $(BIN)/python -m tests.benchmarks.install
	@PYTHONPATH=server $(BIN)/python -m tests.benchmarks $(ONLY)

clean:
	rm -rf $(VENV) .bench build dist
