# Everything from PyPI goes into .venv; nothing outside the checkout is touched, but for
# Debian packages when root runs the tests (chromium, fonts, python3-venv).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
# One more than there are processors: some tests wait for a disk or a browser.
WORKERS ?= $(shell n=$$(( $$(getconf _NPROCESSORS_ONLN) + 1 )); echo $$(( n < 8 ? n : 8 )))
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Flask-Principal comes as source alone: build it with the locked setuptools, no other.
LOCKED := --require-hashes --use-pep517 --no-build-isolation
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard tracing/translations/*/LC_MESSAGES/*.po))
CODE := $(wildcard tracing workflows tests bench)
LANGUAGES := ar es fr ru zh
# Headers that would change with the day, the machine or the person.
PASSING := Generated|Language-Team|Last|PO-Rev|POT|Project|Report
BROWSER := chromium fonts-noto-core fonts-noto-cjk

# A stamp carries the hash of what it was made from: a clone's file times mean nothing.
hash = $(firstword $(shell cat $(1) | sha256sum))
RUN_STAMP := $(VENV)/.run-$(call hash,requirements/run.txt requirements/build.txt setup.cfg)
TEST_STAMP := $(VENV)/.test-$(call hash,requirements/test.txt)

.PHONY: help setup run test test-fast lint format types imports coverage bench faults lock \
        catalogues translations wheel schemas screenshots demo machine clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(RUN_STAMP) $(TEST_STAMP) catalogues ## Make .venv with all that running and testing need

$(BIN)/python:
	@bash requirements/environment $(PYTHON) $(VENV)

$(RUN_STAMP): | $(BIN)/python
	@echo "Installing what the system runs on into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/build.txt
	@$(PIP) install $(LOCKED) -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.run-*
	@touch $@

$(TEST_STAMP): | $(RUN_STAMP)
	@echo "Installing what the tests need into $(VENV)"
	@$(PIP) install $(LOCKED) -r requirements/test.txt
	@rm -f $(VENV)/.test-*
	@touch $@

catalogues: $(CATALOGUES) ## Compile the translations

%.mo: %.po | $(RUN_STAMP)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

# After `pybabel init -l ar`, put Plural-Forms of ar.po right: python-babel/babel#816.
translations: $(RUN_STAMP) ## Gather the words of code and templates into the catalogues
	@cd tracing/translations; pybabel="$(CURDIR)/$(BIN)/pybabel --quiet"; \
	(cd ../.. && $$pybabel extract -F tracing/translations/babel.cfg -k N_ -k _l \
	  -k lazy_gettext -k plural:1,2 -c NOTE: --add-location=file \
	  --header-comment="# The words of the code and the templates, for the catalogues." \
	  -o tracing/translations/messages.pot tracing workflows templates); \
	for language in $(LANGUAGES); do \
	  $$pybabel update -i messages.pot -d . -l $$language --no-fuzzy-matching \
	    --ignore-obsolete; \
	done; \
	sed -E -i '/^"($(PASSING))[A-Za-z-]*:/d' messages.pot */LC_MESSAGES/messages.po

run: $(RUN_STAMP) catalogues ## Start the system on this machine
	@mkdir -p instance
	@exec $(BIN)/tracing run

test: setup machine lint types imports ## Check everything, on SQLite and PostgreSQL
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-fast: setup ## Test on SQLite alone, without a browser
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not browser and not postgresql and not slow"

lint: $(TEST_STAMP) ## Check style and formatting
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

format: $(TEST_STAMP) ## Put formatting and simple faults right
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

types: $(TEST_STAMP) ## Check the types
	@$(BIN)/mypy

imports: $(TEST_STAMP) ## Check who may import whom
	@$(BIN)/lint-imports

coverage: setup machine ## Test, and say which lines no test reaches
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term-missing:skip-covered

bench: setup ## Measure speed: ONLY=name,name SCALE=small|full (docs/bench.md)
	@ONLY="$(ONLY)" SCALE="$(SCALE)" $(BIN)/python -m bench

faults: setup ## Kill, cut and collide: ONLY=name,name SCALE=short|full (docs/faults.md)
	@ONLY="$(ONLY)" SCALE="$(SCALE)" $(BIN)/python -m bench.faults

demo: $(RUN_STAMP) catalogues ## Load the demonstration into an empty instance
	@mkdir -p instance
	@exec $(BIN)/tracing demo

screenshots: setup machine ## Take pictures of the pages into docs/
	@$(BIN)/python -m tests.functional.screenshots

schemas: setup ## Write the published schemas of exported requests anew
	@$(BIN)/python -m tests.exchange.publish

wheel: setup ## Build the sdist and the wheel into dist/
	@rm -rf build dist
	@$(BIN)/python -m build --no-isolation

lock: ## Renew requirements/*.txt from requirements/*.in
	@test -x .venv-lock/bin/uv || { bash requirements/environment $(PYTHON) .venv-lock \
	  && .venv-lock/bin/python -m pip --quiet install uv; }
	@for name in run build test; do \
	  .venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	    --generate-hashes --no-header requirements/$$name.in -o requirements/$$name.txt; \
	done

# Only root can install Debian packages; for others the browser tests say what they skip.
machine:
	@if command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] \
	    || ! command -v apt-get >/dev/null; then exit 0; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	echo "Installing $(BROWSER) for the browser tests"; \
	apt-get -qq update && apt-get -qq install --no-install-recommends -y $(BROWSER) \
	  >/dev/null || echo "WARNING: could not install: $(BROWSER)" >&2

clean: ## Remove what can be made again; instance/ stays
	@rm -rf $(VENV) .venv-lock build dist ./*.egg-info .*_cache .hypothesis .coverage*
