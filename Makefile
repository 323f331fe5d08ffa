# Everything that is done in this repository. `make help` prints the lines that have a `##`.
# A machine needs make and a Python >= 3.11, nothing else; Node.js besides for the tests of the Node client.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The interpreter to set up with; empty: that of .venv, else python3.13, 3.12, 3.11, python3, the first that fits.
PYTHON ?=
# Where `make serve` listens, and what else it hands to `glmgate serve`.
PORT ?= 8000
ARGS ?=

BIN := .venv/bin
ENVIRONMENTS = python=$$(sh tools/python.sh "$(PYTHON)") && "$$python" tools/environments.py
UV_COMPILE = uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(UPGRADE)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

.PHONY: setup
setup: ## Make .venv with everything to work on the project (PYTHON=python3.12)
	@$(ENVIRONMENTS) developer

.PHONY: serve
serve: ## Make .venv and start the server (PORT=8000, ARGS="--verbose")
	@$(ENVIRONMENTS) program
	@exec $(BIN)/glmgate serve --port $(PORT) $(ARGS)

.PHONY: lock
lock: ## Make the locks anew from pyproject.toml (needs uv; UPGRADE=--upgrade)
	$(UV_COMPILE) pyproject.toml -o requirements/runtime.txt
	$(UV_COMPILE) --group build -c requirements/runtime.txt -o requirements/build.txt
	$(UV_COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -c requirements/build.txt -o requirements/dev.txt
	for source in requirements/clients/*.in; do $(UV_COMPILE) "$$source" -o "$${source%.in}.txt" || exit 1; done
