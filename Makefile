# Everything that is done in this repository. `make help` prints the lines that have a `##`.
# A machine needs make and a Python >= 3.11, nothing else; Node.js besides for the tests of the Node client.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The interpreter to set up with; empty: that of .venv, else python3.13, 3.12, 3.11, python3, the first that fits.
PYTHON ?=
# Where `make serve` listens (empty: as the settings say, else 8000), and what else it hands to `glmgate serve`.
PORT ?=
ARGS ?=
# What else pytest gets: make test TESTS="tests/wire -k sse"
TESTS ?=
# Processes that run tests at the same time, whole files each; half of the time is waiting (0: this one alone).
WORKERS ?= 2

BIN := .venv/bin
ENVIRONMENTS = python=$$(sh tools/python.sh "$(PYTHON)") && "$$python" tools/environments.py
# Folders beside src that hold Python, those that exist already.
BESIDE := $(wildcard tools tests bench training)
UV_COMPILE = uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s  %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: ## Make .venv with all that work on the project needs (PYTHON=python3.12)
	@$(ENVIRONMENTS) developer

.PHONY: serve
serve: ## Make .venv and start the server (PORT=8000, ARGS="--verbose")
	@$(ENVIRONMENTS) program
	@exec $(BIN)/glmgate serve $(if $(PORT),--port $(PORT)) $(ARGS)

.PHONY: fix
fix: setup ## Format, and repair what ruff can repair by itself
	@$(BIN)/ruff check --fix src docs $(BESIDE)
	@$(BIN)/ruff format src docs $(BESIDE)

# Five checks of their own, so that `make -k check` shows what every one of them says.
.PHONY: check check-format check-rules check-types check-layers check-size
check: setup check-format check-rules check-types check-layers check-size ## Formatting, rules, types, import layers, size budget

check-format: setup
	$(BIN)/ruff format --check --quiet src docs $(BESIDE)

check-rules: setup
	$(BIN)/ruff check --quiet src docs $(BESIDE)

check-types: setup
	$(BIN)/mypy

check-layers: setup
	$(BIN)/lint-imports --no-logo

check-size: setup
	$(BIN)/python -m tools.budget src/glmgate src/langchain_zhipuai --tests tests
	$(BIN)/python -m tools.budget --maxima $(BESIDE)

.PHONY: test
test: ## Make every environment, then run all tests (TESTS="tests/wire -k sse")
	@$(ENVIRONMENTS) developer clients
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(TESTS)

# A venv with vLLM in it: any that `python -m vllm.entrypoints.openai.api_server` runs in. docs/development.md says how.
VLLM_PYTHON ?= .envs/vllm/bin/python

.PHONY: test-vllm
test-vllm: setup ## The tests against a real vLLM (VLLM_PYTHON=…/bin/python; a minute, 2.4 GiB)
	@test -x "$(VLLM_PYTHON)" || { echo "no vLLM: $(VLLM_PYTHON) is missing, see docs/development.md" >&2; exit 2; }
	TEST_VLLM_PYTHON="$(abspath $(VLLM_PYTHON))" $(BIN)/pytest tests/vllm $(TESTS)

.PHONY: fast
fast: setup ## The tests that need neither the clients' environments nor long
	$(BIN)/pytest -m "not slow and not clients" $(TESTS)

.PHONY: cov
cov: ## All tests, with the coverage of the package
	@$(ENVIRONMENTS) developer clients
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: bench
bench: setup ## Measure what glmgate adds to the bare engine
	$(BIN)/python -m bench $(ARGS)

.PHONY: docs
docs: setup ## Build the pages under docs/ into docs/_build
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs docs/_build

.PHONY: build
build: setup ## Build the wheel into dist/
	@rm -rf build dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

.PHONY: model
model: ## Make the built-in models anew, in an environment of their own
	@$(ENVIRONMENTS) training
	.venv-training/bin/python -m training.build $(ARGS)

.PHONY: model-eval
model-eval: setup ## Judge the shipped chat model through the chat API (ARGS="--count 50")
	$(BIN)/python -m training.evaluate $(ARGS)

.PHONY: lock
lock: ## Make the locks anew from pyproject.toml (needs uv; UPGRADE=--upgrade)
	$(UV_COMPILE) pyproject.toml -o requirements/runtime.txt
	$(UV_COMPILE) --group build -c requirements/runtime.txt -o requirements/build.txt
	$(UV_COMPILE) pyproject.toml --extra langchain --extra postgres --extra redis --extra otel --group dev \
		-c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
	for source in requirements/clients/*.in; do $(UV_COMPILE) "$$source" -o "$${source%.in}.txt" || exit 1; done
