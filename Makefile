# make demo   watch it work, on this machine, with no account anywhere
# make test   everything that must hold, cheapest complaint first
# make lint   the complaints that need no running
# make audit  whether a pinned dependency has a known hole; asks the advisory database
# make bench  figures, as ratios within one run
# make reference   docs/reference, written anew from the code
# make postgres PROGRAMS="/usr/lib/postgresql/15/bin …"   what is tested on PostgreSQL, on each of these versions
# make soak   what takes minutes: five hundred kills, ten minutes of bad network, a million events, two years of clocks

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready
ARGS ?=
SOAKS ?= tests/soak
TESTS ?= tests
# Of the tests at work some wait for clocks, disks and browsers: five keep two processors busy.
WORKERS ?= 5
# Plugins that come with what the tests use; each costs every worker its imports.
UNASKED := -p no:anyio -p no:datasette -p no:platformdirs -p no:schemathesis

# Where the environment forbids it, every program that the tests start would compile the relay again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test suite lint style types bench postgres soak audit reference clean

demo: $(INSTALLED)
	@$(BIN)/relay demo $(ARGS)

# The types take one processor for a while, and nothing of a disk: they are looked at beside the tests.
test: style
	@$(MAKE) --no-print-directory -j 2 types suite

suite: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(WORKERS) --dist worksteal $(UNASKED) $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: style types

style: $(READY)
	$(BIN)/ruff format --check --quiet relay connectors tests
	$(BIN)/ruff check --quiet relay connectors tests
	$(BIN)/lint-imports --no-logo > $(VENV)/imports.txt || { cat $(VENV)/imports.txt; exit 1; }
	$(BIN)/deptry --no-ansi . 2> $(VENV)/deptry.txt || { cat $(VENV)/deptry.txt; exit 1; }
	$(BIN)/vulture

types: $(READY)
	$(BIN)/mypy --no-error-summary relay connectors

audit: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt pip-audit
	@$(BIN)/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip || { \
	  echo "audit: it failed. Unless holes are listed above, the advisory service did not answer for every package" \
	    "(is this machine cut off, or behind a mirror?): then nothing is known either way." >&2; exit 1; }

bench: $(READY)
	$(BIN)/python -m tests.benchmarks $(ARGS)

postgres: $(READY)
	@for programs in $(PROGRAMS); do "$$programs/postgres" --version && RELAY_TEST_POSTGRES="$$programs" \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $$(grep -rl postgres tests --include='test_*.py') || exit 1; done

# On a disk: how long one takes is a part of what a soak is about, and what it writes is much.
soak: $(READY)
	PYTEST_DEBUG_TEMPROOT=$${TMPDIR:-/tmp} $(BIN)/python -m pytest -o python_files='soak_*.py' -o faulthandler_timeout=3600 -s --durations=0 $(SOAKS)

reference: $(READY)
	$(BIN)/python -m tests.reference.pages

# Says nothing on stdout, so that `make -s demo ARGS="--once --json"` prints one object and no more.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed" >&2; exit 1; }
	@echo "setting up $(VENV), once …" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable . >&2
	@touch $@

$(READY): $(INSTALLED)
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]' >&2
	@touch $@

clean:
	rm -rf $(VENV) build dist .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis
