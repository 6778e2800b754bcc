# Two commands matter: `make run` and `make test`. Both do all their own set-up, in .venv, and only once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq
SOURCES := $(shell find server -name '*.py')
# Many tests wait for an editor or a process: more of them than cores.
WORKERS := $(shell $(PYTHON) -c "import os; print(min(2 * (os.cpu_count() or 2), 16))")

DIR ?= .
FILE ?=
ASK ?=
APPLY ?=
export DIR FILE ASK APPLY

.PHONY: run test check bench format clean

# --- set-up: the package for `make run`, the tools beside it for everything else ---

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) tests/demo/check_python.py
	@echo "Setting up $(VENV) (once, half a minute) …" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install -c constraints.txt -e .
	@touch $@

# Compiled ahead, so that the server starts fast also where Python is told not to write bytecode.
$(VENV)/.ready: $(VENV)/.installed $(SOURCES)
	@$(BIN)/python -m compileall -q server
	@touch $@

$(VENV)/.tools: $(VENV)/.installed
	@echo "Installing the tools for tests and checks (once) …" >&2
	@$(PIP) install "pip>=25.1"
	@$(PIP) install -c constraints.txt --group dev
	@touch $@

# Only where VS Code's workbench is there to be driven: 50 MB.
$(VENV)/.editors: $(VENV)/.tools
	@$(PIP) install -c constraints.txt --group editors
	@touch $@

EDITORS := $(if $(COPYDESK_VSCODE),$(VENV)/.editors)

# --- what to do ---

run: $(VENV)/.ready
	@$(BIN)/python -m tests.demo

# The fast tier; SLOW=1 is everything: lint, format, layers, types and the slow tests too.
test: $(VENV)/.ready $(VENV)/.tools $(EDITORS)
ifeq ($(SLOW),1)
	@$(MAKE) --no-print-directory check
	@SLOW=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=12
else
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
endif

check: $(VENV)/.ready $(VENV)/.tools
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONPATH=server $(BIN)/lint-imports
	@$(BIN)/basedpyright

format: $(VENV)/.tools
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/.ready $(VENV)/.tools
	@$(BIN)/python -m tests.benchmarks.install
	@$(BIN)/python -m tests.benchmarks $(ONLY)

clean:
	rm -rf $(VENV) .bench build dist
