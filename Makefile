# Everything one does here. Recipes use relative paths only, and call the
# environment's Python instead of its scripts, so that a checkout may stand
# under any path, spaces included.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help .venv demo test smoke chaos fuzz lint types docs bench clean

PY := .venv/bin/python
READY := .venv/ready
ROOMS := $(patsubst %/__init__.py,%,$(wildcard */__init__.py))

# A worker for each core, and a Kafka for each worker: a file's tests stay together.
SIDE_BY_SIDE := --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

# Prefect sends no figures about us to anybody.
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

help: ## Print this list
	@sed -nE 's/^([a-z.]+):[^#]*## (.*)/  make \1|\2/p' Makefile | \
	  awk -F '|' '{ printf "%-13s %s\n", $$1, $$2 }'
	@echo 'PYTHON=… chooses the Python of .venv; ARGS=… goes to the command that runs.'

.venv: $(READY) ## Make the environment from constraints.txt (the others do it too)
	@echo '.venv is ready.'

$(READY): constraints.txt pyproject.toml client/pyproject.toml
	@PYTHON='$(PYTHON)' sh .ci/bootstrap

demo: $(READY) ## Run both surveys' simulated night, and look at the result
	@$(PY) -m nightmail demo $(ARGS)

test: $(READY) ## Run every test but the smoke, real Kafka and Spark included
	@$(PY) -m pytest --ignore=tests/smoke $(SIDE_BY_SIDE) $(ARGS)

smoke: $(READY) ## Run the nights as Prefect does: server, worker, schedule
	@$(PY) -m pytest tests/smoke $(ARGS)

chaos: $(READY) ## Kill nights hundreds of times, and count what is lost or doubled
	@$(PY) -m tests.chaos $(ARGS)

fuzz: $(READY) ## Decode a million random and damaged alerts beside fastavro
	@$(PY) -m client.tests.fuzz_avro $(ARGS)

lint: $(READY) ## Check style and format
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: $(READY) ## Check types, strictly
	@$(PY) -m mypy $(ROOMS) client/src tests client/tests

docs: $(READY) ## Run what the documents show
	@$(PY) -m pytest tests/docs $(ARGS)

bench: $(READY) ## Time what benchmarks/ holds (SIZE=quick: minutes; SIZE=full: hours)
	@$(PY) -m benchmarks._all --size '$(or $(SIZE),usual)' $(ARGS)

clean: ## Remove .venv and caches; .nightmail, with topics and archive, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	@find . -path ./.nightmail -prune -o -path ./.git -prune -o \
	  -type d \( -name __pycache__ -o -name .pytest_cache \) -exec rm -rf {} +
