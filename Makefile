# Everything that a person does in this repository. `make` alone lists the verbs.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Where it is set, every process of the tests would compile all that it imports anew: 5 of 13 s that collecting tests/unit takes.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.installed-run
DEV := $(VENV)/.installed-dev
BROWSER := $(VENV)/.installed-browser
SPARK := $(VENV)-spark/.installed
CELERY := $(VENV)-celery/.installed
LINEAGE := $(VENV)-lineage/.installed
PEERS := $(VENV)-bench/.installed $(VENV)-bench-evidently/.installed
JUDGES := $(VENV)-bench-evidently/.installed $(VENV)-bench-nannyml/.installed

.PHONY: help demo test browser spark celery lineage faults bench judge backtests up down logs check format lint types floors docs schema lock clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN) ## Run the whole story: train, publish, predict, refuse a bad night, notice a shock, retrain
	@exec $(BIN)/perennial demo

up: $(RUN) ## Start Airflow with Perennial, and print address and login
	@exec $(BIN)/perennial up

down: $(RUN) ## Stop what `make up` started
	@exec $(BIN)/perennial down

logs: $(RUN) ## Show the end of the logs of what `make up` started
	@exec $(BIN)/perennial logs

test: $(DEV) ## Run every test that needs no outside service (`make test TESTS=tests/unit` for some)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m "not faults" $(TESTS)

browser: $(BROWSER) ## Add what the tests in a browser need, beside the system's Chromium, to what `make test` installs

faults: $(DEV) ## Run the tests that kill processes, stop servers and fill disks
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m faults $(TESTS)

spark: $(SPARK) ## Run the tests of rows on Spark, in an environment of their own (PySpark, 480 MB; needs Java 17)
	$(VENV)-spark/bin/python -m pytest -m spark $(TESTS)

celery: $(CELERY) ## Run the test of tasks on Celery, in an environment of its own (needs a redis-server)
	$(VENV)-celery/bin/python -m pytest $(or $(TESTS),tests/faults/test_celery_worker_is_killed.py tests/unit/test_compose.py)

lineage: $(LINEAGE) ## Run the tests of OpenLineage's events, in an environment of their own
	$(VENV)-lineage/bin/python -m pytest $(or $(TESTS),tests/unit/orchestration/test_lineage.py)

check: $(DEV) format lint types floors test faults docs ## What CI runs: format, lint, types, floors, all tests, docs

format: $(DEV) ## Check the layout of the code (`make format FIX=1` mends it)
	$(BIN)/ruff format $(if $(FIX),,--check) .

lint: $(DEV) ## Check the code (`make lint FIX=1` mends what can be mended)
	$(BIN)/ruff check $(if $(FIX),--fix,) .

types: $(DEV) ## Check the types
	$(BIN)/mypy

floors: $(DEV) ## Check that every file imports only from floors below its own
	$(BIN)/lint-imports

docs: $(DEV) ## Check that generated documents and the schema are current (`make docs FIX=1` writes them)
	$(BIN)/python docs/generate.py $(if $(FIX),--write,--check)

bench: $(DEV) $(PEERS) ## Measure speed beside peers (`make bench ROWS=100000 RUNS=1 STAGES=extract` for a quick look)
	$(BIN)/python benchmarks/run.py --rows $(or $(ROWS),1000000) --runs $(or $(RUNS),5) \
	  --stages "$(STAGES)"$(if $(OUTPUT), --output $(OUTPUT))

judge: $(DEV) $(JUDGES) ## Judge the monitoring on data whose truth is known (`make judge TRIALS=100 PARTS=quiet DATA=folder`)
	$(BIN)/python benchmarks/judge.py --trials $(or $(TRIALS),400) --parts "$(PARTS)"$(if $(DATA), --data $(DATA))$(if \
	  $(OUTPUT), --output $(OUTPUT))

backtests: $(DEV) ## Backtest the public sets in a folder (`make backtests DATA=folder SETS=bike_hourly PARTS=night,speed NIGHTS=30 WORK=folder`)
	$(BIN)/python benchmarks/backtest.py $(if $(DATA),--data $(DATA)) --sets "$(SETS)"$(if $(PARTS), --parts $(PARTS))$(if \
	  $(NIGHTS), --nights $(NIGHTS))$(if $(WORK), --work $(WORK))$(if $(OUTPUT), --output $(OUTPUT))

schema: $(RUN) ## Write config/model.schema.json
	$(BIN)/perennial schema --write config/model.schema.json

lock: ## Pin and hash the requirements anew; needs uv. No index address gets into the files
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" pyproject.toml --extra embedded --group build --output-file requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint requirements/run.txt \
	  --custom-compile-command "make lock" pyproject.toml --extra embedded --group build --group dev \
	  --output-file requirements/dev.txt
	echo "pyspark>=4,<5" | uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" - --output-file requirements/spark.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint requirements/dev.txt \
	  --custom-compile-command "make lock" --group browser --output-file requirements/browser.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint requirements/dev.txt \
	  --custom-compile-command "make lock" --group celery --output-file requirements/celery.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint requirements/dev.txt \
	  --custom-compile-command "make lock" --group lineage --output-file requirements/lineage.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --constraint requirements/run.txt \
	  --custom-compile-command "make lock" --group bench --output-file requirements/bench.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --group bench-evidently --output-file requirements/bench-evidently.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" --group bench-nannyml --output-file requirements/bench-nannyml.txt

clean: ## Remove what was installed and every local data folder (asks nothing; stops nothing)
	rm -rf $(VENV) $(VENV)-spark $(VENV)-celery $(VENV)-lineage $(VENV)-bench $(VENV)-bench-evidently $(VENV)-bench-nannyml .perennial .screenshots .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(RUN): requirements/run.txt pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash requirements/install.sh requirements/run.txt
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash requirements/install.sh requirements/dev.txt
	@touch $@ $(RUN)

$(BROWSER): requirements/browser.txt $(DEV)
	@PYTHON="$(PYTHON)" VENV="$(VENV)" bash requirements/install.sh $< --alone
	@touch $@

# Apart: Great Expectations imports PySpark wherever it is there, and the others' providers change Airflow for all tests.
$(SPARK) $(LINEAGE) $(CELERY): $(VENV)-%/.installed: requirements/%.txt requirements/dev.txt pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)-$*" bash requirements/install.sh requirements/dev.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)-$*" bash requirements/install.sh $< --alone
	@touch $@

# What Perennial is measured beside, apart from it, so that neither disturbs the other.
$(VENV)-%/.installed: requirements/%.txt
	@PYTHON="$(PYTHON)" VENV="$(VENV)-$*" bash requirements/install.sh $< --alone && touch $@ || \
	  { rm -rf "$(VENV)-$*"; echo "cannot be installed: $<; the report names who is missing"; }
