# make demo   shows it          make test   proves it
# make check  ruff, mypy, layers make bench  measures it: docs/speed.md
# make soak   the long tests     make setup  makes .venv alone
# make up     runs it, until Ctrl-C
# make bench-parts   measures reading, phones, emails, identity, undo, drops by themselves
# make docs   writes down what the commands of docs/ say now
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.leadfold-ready
UV := $(shell command -v uv 2>/dev/null)

.PHONY: setup demo up test check bench bench-parts soak lock docs samples clean

setup: $(READY)

# The marker is written last: a setup that was cut off starts again from an empty folder.
$(READY): requirements.lock pyproject.toml
	@echo "Making $(VENV) (a minute on a fresh machine) ..."
	@rm -rf $(VENV)
ifneq ($(UV),)
	@$(UV) venv --quiet --python $(PYTHON) $(VENV)
	@$(UV) pip install --quiet --python $(VENV)/bin/python --require-hashes --compile-bytecode -r requirements.lock
	@$(UV) pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation -e .
else
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
endif
	@touch $(READY)

demo: $(READY)
	@$(VENV)/bin/leadfold demo

up: $(READY)
	@exec $(VENV)/bin/leadfold up

# Hundreds of tests start processes of ours, which read what is compiled; two workers have a core each.
test: $(READY)
	@$(VENV)/bin/python -m compileall -q contracts transforms flows tests
	@POLARS_MAX_THREADS=1 $(VENV)/bin/python -m pytest

check: $(READY)
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/python -m pytest -q tests/test_layers.py

# All of it takes hours; the short form: make bench ROWS=100000 PEERS=no
ROWS ?= 1000000
PEERS ?= yes
# To which size it grows (once), and one for memory alone, such as HUGE=20000000; 0: none.
LARGE ?= $(if $(filter 1000000,$(ROWS)),5000000,0)
HUGE ?= 0
JSON ?= bench.json
# An earlier bench.json to compare with; where to draw the chart, such as docs/images/bench.svg.
AGAINST ?=
CHART ?=

bench: $(READY)
	@$(VENV)/bin/python -m tests.benchmarks.bench --rows $(ROWS) --peers $(PEERS) \
	  --large $(LARGE) --huge $(HUGE) --json $(JSON) \
	  $(if $(AGAINST),--against $(AGAINST)) $(if $(CHART),--chart $(CHART))

bench-parts: $(READY)
	@echo "Reading, against polars.scan_csv:"
	@$(VENV)/bin/python -m tests.benchmarks.bench_reading
	@echo "\nPhones, against phonenumbers per row, one core:"
	@$(VENV)/bin/python -m tests.benchmarks.bench_phones
	@echo "\nEmails, against email-validator per row, one core:"
	@POLARS_MAX_THREADS=1 $(VENV)/bin/python -m tests.benchmarks.bench_emails
	@echo "\nResolving and planning new people in DuckDB, within 2 GB:"
	@$(VENV)/bin/python -m tests.benchmarks.bench_identity 1000000 3400000
	@echo "\nUndo, against the import that it takes back:"
	@$(VENV)/bin/python -m tests.benchmarks.bench_undo 100000 3
	@echo "\nFrom a drop to the commit, and what Prefect adds to an import:"
	@$(VENV)/bin/python -m tests.benchmarks.bench_drop 1000 10

soak: export LEADFOLD_SOAK = yes
soak: $(READY)
	@LEADFOLD_EXAMPLES=60 LEADFOLD_MOMENTS=60 $(VENV)/bin/python -m pytest -q \
	  tests/test_promises.py tests/test_undo_promises.py tests/test_judging_promises.py \
	  tests/test_explaining_worlds.py tests/test_crashes.py
	@LEADFOLD_DROPS=500 LEADFOLD_FEED_FILES=30 $(VENV)/bin/python -m pytest -q -n0 \
	  tests/test_dropping_live.py tests/test_browser.py tests/test_nightly_sync.py
	@LEADFOLD_ADOPT_ROWS=1000000 $(VENV)/bin/python -m pytest -q -n0 -s tests/test_adopting_live.py
	@LEADFOLD_PARITY_ROWS=2000000 LEADFOLD_PARITY_SEED=1 $(VENV)/bin/python -m pytest -q -s \
	  tests/test_phones.py -k generated
	@$(VENV)/bin/python -m tests.benchmarks.bench_reading --memory 2

# The lock is complete (so --no-deps), holds hashes and names no registry, so it works behind any mirror.
lock:
	uv pip compile --quiet pyproject.toml --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock

docs: $(READY)
	@$(VENV)/bin/python -m tests.pages docs/plan.md docs/review.md docs/why.md docs/undo.md
	@LEADFOLD_PICTURES=docs/images $(VENV)/bin/python -m pytest -q -n0 tests/test_browser.py -k analyst

samples: $(READY)
	@$(VENV)/bin/python data/samples/make_samples.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
