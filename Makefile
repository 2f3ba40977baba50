# Everything a newcomer or a developer runs. `make` alone lists the targets.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo serve quick test check bench soak fuzz autobahn lock

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## install what is missing: system packages, .venv, this package
	@$(PYTHON) scripts/setup.py

demo: ## hear real recordings interpreted while they are spoken, out of English and into it
	@$(PYTHON) scripts/setup.py --multilingual
	@$(BIN)/dragoman demo

serve: setup ## serve all APIs on 127.0.0.1:8000 until Ctrl-C
	@$(BIN)/dragoman serve

quick: setup ## the unit tests, in less than a minute
	@$(BIN)/python -m pytest -m unit -n auto --maxprocesses 8 $(ARGS)

test: ## run the whole suite (sets up first; also other clients and test recordings)
	@$(PYTHON) scripts/setup.py --tests
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 $(ARGS)

check: setup ## style, types, import rules, sizes, names, licences, wheels
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_sizes.py
	$(BIN)/python scripts/check_names.py
	$(BIN)/python scripts/check_licences.py
	$(BIN)/python scripts/check_hosts.py
	$(BIN)/python scripts/check_wheels.py

bench: setup ## measure; a table here, raw JSON in bench-results/
	@$(BIN)/dragoman bench --out bench-results $(ARGS)

soak: setup ## half an hour of work; fails when memory, tasks or lag grow, or words are lost
	@$(BIN)/dragoman bench soak --out bench-results $(ARGS)

autobahn: setup ## the Autobahn test suite against the WebSocket protocol; minutes
	@$(BIN)/python scripts/autobahn.py

FUZZ_S ?= 600
FUZZED := codec event frame worker

fuzz: setup ## mutated events and bytes, dying workers, new ones for FUZZ_S seconds [600]
	@end=$$(($$(date +%s) + $(FUZZ_S))); while [ $$(date +%s) -lt $$end ]; do \
	  FUZZ_EXAMPLES=1000 $(BIN)/python -m pytest -q -n auto --maxprocesses 8 --timeout 900 \
	    $(FUZZED:%=tests/hostile/test_%_fuzz.py) $(ARGS) || exit 1; done

LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --quiet

lock: ## renew the lock files (needs uv on the PATH)
	$(LOCK) pyproject.toml bench/pyproject.toml --all-extras --no-emit-package dragoman \
	  -o requirements.lock
	for wanted in requirements/*.in; do ours=$${wanted%.in}; $(LOCK) $$wanted \
	  $$(test ! -f $$ours.overrides || echo --override $$ours.overrides) -o $$ours.lock || exit 1; done
