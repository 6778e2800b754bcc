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

# Stories in real editors: how often, and which (as pytest's -k).
N ?= 1
K ?=

.PHONY: run test check check-clients lua-check lua-format editors editors-install bench format clean vsix vscode-check

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

EDITORS := $(if $(COPYDESK_VSCODE)$(wildcard .editors/vscode/node24),$(VENV)/.editors)

# --- what to do ---

run: $(VENV)/.ready
	@$(BIN)/python -m tests.demo

# The fast tier; SLOW=1 is everything: lint, format, layers, types, the slow tests, and then the stories in real editors,
# which go by the clock and want the machine for themselves. They are played also when a test before has failed.
test: $(VENV)/.ready $(VENV)/.tools
ifeq ($(SLOW),1)
	@$(MAKE) --no-print-directory check check-clients
	@failed=0; \
	SLOW=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations=12 --ignore=tests/editors || failed=1; \
	$(MAKE) --no-print-directory editors || failed=1; \
	exit $$failed
else
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
endif

check: $(VENV)/.ready $(VENV)/.tools
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@PYTHONPATH=server $(BIN)/lint-imports
	@$(BIN)/basedpyright

# What the clients bring of their own: the extension's types, lint and unit tests; the plug-in's lint and format. Where
# their tools are missing this is said, and fails only where everything is required.
check-clients:
	@for need in vscode-check:npm lua-check:luacheck; do \
	  target=$${need%%:*}; tool=$${need##*:}; \
	  $(MAKE) -n $$target > /dev/null 2>&1 || continue; \
	  if command -v $$tool > /dev/null; then $(MAKE) --no-print-directory $$target || exit 1; \
	  else echo "$$target is skipped: $$tool is not installed." >&2; test -z "$(COPYDESK_REQUIRE_EDITORS)" || exit 1; fi; \
	done

# Linted by luacheck (Debian: lua-check), formatted by StyLua, which npm has compiled to WebAssembly.
LUA := editors/nvim
STYLUA := $(VENV)/stylua/node_modules
$(STYLUA)/.installed:
	@mkdir -p $(STYLUA)
	@npm install --prefix $(VENV)/stylua --no-save --ignore-scripts --loglevel=error @johnnymorganz/stylua@2.5.2 > /dev/null
	@touch $@

lua-check:
	@luacheck --config $(LUA)/.luacheckrc -q $(LUA)
	@if command -v npm > /dev/null; then $(MAKE) -s --no-print-directory $(STYLUA)/.installed && \
	  node tests/editors/stylua.mjs $(STYLUA) --check $(LUA); \
	else echo "The format of the Lua is not checked: npm is not installed." >&2; test -z "$(COPYDESK_REQUIRE_EDITORS)"; fi

lua-format: $(STYLUA)/.installed
	@node tests/editors/stylua.mjs $(STYLUA) --write $(LUA)

# The stories in real editors: `make editors N=3 K=nvim` plays Neovim's three times in a row.
editors: $(VENV)/.ready $(VENV)/.tools $(EDITORS)
	@PYTHON=$(BIN)/python bash tests/editors/rounds.sh $(N) $(if $(K),-k "$(K)")

editors-install:
	@bash tests/editors/install/all.sh .editors

format: $(VENV)/.tools
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(VENV)/.ready $(VENV)/.tools
	@$(BIN)/python -m tests.benchmarks.install
	@$(BIN)/python -m tests.benchmarks $(ONLY)

# --- the VS Code extension: needs Node 20 or newer ---

VSCODE := vscode-extension

$(VSCODE)/node_modules/.installed: $(VSCODE)/package.json $(VSCODE)/package-lock.json
	@command -v npm > /dev/null || { echo "The VS Code extension is built with Node 20 or newer, and there is no npm here." >&2; exit 1; }
	@echo "Installing the tools of the VS Code extension (once) …" >&2
	@cd $(VSCODE) && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
	@touch $@

# vscode-extension/copydesk-VERSION.vsix, with the server's wheel inside.
vsix: $(VENV)/.installed $(VSCODE)/node_modules/.installed
	@rm -rf $(VSCODE)/server $(VSCODE)/*.vsix && mkdir $(VSCODE)/server
	@$(PIP) wheel --no-deps --wheel-dir $(VSCODE)/server .
	@cd $(VSCODE) && node package.mjs

# Types, lint and unit tests of the extension.
vscode-check: $(VSCODE)/node_modules/.installed
	@cd $(VSCODE) && npm run --silent check

clean:
	rm -rf $(VENV) .bench build dist $(VSCODE)/node_modules $(VSCODE)/dist $(VSCODE)/build $(VSCODE)/server $(VSCODE)/*.vsix
