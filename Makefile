# make demo   a society to look at, in demo/: a newsletter sent to 300 fictional readers, and three years behind it
# make test   everything that must hold: style, types, import rules, tests on SQLite and PostgreSQL
# Both make .venv first, with the versions of constraints.txt; nothing outside this folder is changed,
# but for system packages that the tests need and that root lets them install.

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo test lint docs bench bench-growth bench-compose bench-import bench-startup bench-dkim bench-web bench-inbox bench-despatch bench-search fuzz torture clean

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --use-pep517 -c constraints.txt
PARTS := pyproject.toml constraints.txt src/balintmail/__init__.py

# A checkout that was copied or moved has an environment that belongs to its old place.
MOVED := $(shell [ ! -e $(BIN)/pip ] || head -n 3 $(BIN)/pip | grep -qF "$(CURDIR)/.venv/" || rm -rf .venv)

help:
	@echo "make demo           make a living society in demo/ and send the example newsletter to its outbox"
	@echo "make test           check everything; this is all that the build server runs"
	@echo "make lint           style, types and import rules alone"
	@echo "make docs           write the generated pages of docs/ anew"
	@echo "make bench          measure sending 20,000 letters, beside what others use (long)"
	@echo "make bench-growth   measure sending to a thousand, and to a million (very long)"
	@echo "make bench-compose  measure composing, importing and starting"
	@echo "make bench-import   measure importing alone"
	@echo "make bench-startup  measure starting alone"
	@echo "make bench-dkim     measure signing, beside openssl speed"
	@echo "make bench-web      measure the site: 40,000 requests while a newsletter is sent"
	@echo "make bench-inbox    measure reading 20,000 reports and acting on them"
	@echo "make bench-despatch measure the Journal's run for 100,000 people, and 10,000 labels"
	@echo "make bench-search   measure loading sixty years of the Journal, and searching them from ten clients"
	@echo "make fuzz           throw damaged mail at every parser for ten minutes"
	@echo "make torture        the tests again, at full size (long)"
	@echo "make clean          remove .venv, demo/ and all that is generated"

demo: .venv/.installed
	@$(BIN)/python examples/demo.py

test: .venv/.installed-test
	@sh tests/support/system.sh parts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PYTEST_DEBUG_TEMPROOT=$$(sh tests/support/system.sh memory) $(BIN)/python -m pytest -n auto --maxprocesses 8 </dev/null

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/.installed-test
	$(BIN)/python -m tests.support.reference

# smtp-sink and smtp-source are Postfix's; where root lets us, they are installed without starting a service.
bench: .venv/.installed-test
	@sh tests/support/system.sh parts
	$(BIN)/python -m bench.send

bench-growth: .venv/.installed-test
	@sh tests/support/system.sh parts
	$(BIN)/python -m bench.growth

bench-compose: .venv/.installed-test
	$(BIN)/python -m bench.compose
	$(BIN)/python -m bench.import_people
	$(BIN)/python -m bench.startup

bench-import: .venv/.installed-test
	$(BIN)/python -m bench.import_people

bench-startup: .venv/.installed-test
	$(BIN)/python -m bench.startup

bench-dkim: .venv/.installed-test
	$(BIN)/python -m bench.dkim

bench-web: .venv/.installed-test
	@sh tests/support/system.sh parts
	$(BIN)/python -m bench.web

bench-despatch: .venv/.installed-test
	$(BIN)/python -m bench.despatch

bench-search: .venv/.installed-test
	@sh tests/support/system.sh parts
	$(BIN)/python -m bench.search

bench-inbox: .venv/.installed-test
	$(BIN)/python -m bench.inbox

# Better with atheris, which has no wheel for every Python; without it by damage alone.
fuzz: .venv/.installed-test
	-@$(PIP) -e '.[test,fuzz]' 2>/dev/null
	$(BIN)/python -m tests.fuzz $(FUZZ)

torture: .venv/.installed-test
	@sh tests/support/system.sh parts
	TORTURE=1 $(BIN)/python -m pytest -n auto --maxprocesses 8 --timeout 7200 </dev/null

.venv/.installed: $(PARTS)
	@sh tests/support/system.sh venv
	@echo "Installing balintmail into .venv (once; a minute on a slow line)"
	@$(PIP) -e .
	@touch $@

.venv/.installed-test: $(PARTS)
	@sh tests/support/system.sh venv
	@echo "Installing balintmail and what its tests need into .venv"
	@$(PIP) -e '.[test]'
	@touch .venv/.installed $@

clean:
	rm -rf .venv .cache demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
