# searchsite: `make help` lists the targets.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
VENV := .venv/bin/python
FIND_PYTHON = command -v $(PYTHON) >/dev/null || \
	{ echo "searchsite needs Python 3.11, 3.12 or 3.13, and there is no $(PYTHON) on the PATH." >&2; exit 1; }
BOOTSTRAP = $(FIND_PYTHON); $(PYTHON) searchsite/ops/bootstrap.py

# What one process has compiled the hundreds that are started after it need not.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(VENV) -m pytest

# Each process has a Postgres, a broker and a browser of its own.
# What `make security` runs is left out.
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadscope --ignore tests/rules

QWEN_PIP = .venv-qwen/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile

.PHONY: help run qwen-local test test-qwen verify-qwen test-long promises test-peers security lint format types bench bench-long charts screenshots messages lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

run: ## Start searchsite: everything it needs, then the address
	@$(BOOTSTRAP) && exec $(VENV) manage.py up

qwen-local: ## Add torch and transformers, for PRESET=qwen-local
	@$(BOOTSTRAP) && exec $(VENV) -m pip install --no-input --disable-pip-version-check ".[qwen-local]"

verify-qwen: ## Compare the configured Qwen3 networks with the numbers that their makers published
	@$(BOOTSTRAP) && exec $(VENV) manage.py verify_qwen $(ARGS)

test: ## Run the test suite against a real Postgres, broker and browser; ARGS=... runs a part of it
	@$(BOOTSTRAP) --dev && exec $(PYTEST) $(or $(ARGS),$(SIDE_BY_SIDE))

test-qwen: .venv-qwen/installed ## Run the tests of the Qwen3 engine, in an environment of its own with torch
	@exec .venv-qwen/bin/python -m pytest -c tests/qwen/pytest.ini --rootdir . --confcutdir tests/qwen tests/qwen $(ARGS)

# The reference server alone gets torchvision: the engine must do without.
.venv-qwen/installed: requirements.lock tests/qwen/requirements.txt
	@$(BOOTSTRAP)
	@echo "Making .venv-qwen with torch (once; a minute or two)"
	@rm -rf .venv-qwen && $(VENV) -m venv .venv-qwen
	@$(QWEN_PIP) --require-hashes --only-binary :all: -r requirements.lock
	@$(QWEN_PIP) -r tests/qwen/requirements.txt
	@$(QWEN_PIP) --no-deps --target .venv-qwen/beside torchvision==0.28.0
	@touch $@

test-long: .venv-semgrep/ready .venv-peers/ready ## Run the tests that take long, too
	@$(BOOTSTRAP) --dev && exec $(PYTEST) -m "long or not long" $(ARGS)

promises: ## Run the tests that prove the promises, the long ones too, and write docs/promises.md
	@$(BOOTSTRAP) --dev && exec $(VENV) -m bench.promises $(ARGS)

test-peers: .venv-peers/ready ## Try the client against servers that others wrote
	@$(BOOTSTRAP) --dev && exec $(VENV) -m pytest tests/peers $(ARGS)

.venv-peers/ready: tests/peers/requirements.txt
	@$(FIND_PYTHON); $(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r tests/peers/requirements.txt
	@touch $@

security: .venv-semgrep/ready ## Look for holes in the code with bandit and rules of our own, and for versions with known ones
	@$(BOOTSTRAP) --dev && exec $(VENV) -m pytest tests/rules tests/test_floors.py $(ARGS)

# It pins what our own environment has newer.
.venv-semgrep/ready: tests/rules/requirements.lock
	@$(FIND_PYTHON); rm -rf .venv-semgrep && $(PYTHON) -m venv .venv-semgrep
	@.venv-semgrep/bin/python -m pip install --quiet --no-input --disable-pip-version-check --require-hashes \
		--only-binary :all: -r tests/rules/requirements.lock
	@touch $@

lint: ## Check style, formatting and the floors
	@$(BOOTSTRAP) --dev
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) .venv/bin/lint-imports

format: ## Format the code and mend what can be mended
	@$(BOOTSTRAP) --dev
	@$(VENV) -m ruff check --fix-only .
	@$(VENV) -m ruff format .

types: ## Check the types
	@$(BOOTSTRAP) --dev && exec $(VENV) -m mypy searchsite

bench: .venv-bench/ready ## Measure search by vector, pages, starts and indexing; ARGS="vectors searching" measures those
	@$(BOOTSTRAP) --dev && exec $(VENV) -m bench $(ARGS)

bench-long: .venv-bench/ready ## Measure as far as a million vectors, and 4096 dimensions (hours)
	@$(BOOTSTRAP) --dev && exec $(VENV) -m bench --long $(or $(ARGS),vectors searching)

# What cannot be installed is said in the report, for the rest is worth measuring.
.venv-bench/ready: bench/requirements.txt
	@$(FIND_PYTHON); $(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt || \
		grep -v '^#' bench/requirements.txt | while read one; do \
		.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check $$one || echo "No $$one here." >&2; done
	@touch $@

charts: ## Write the pages of benchmarks and their charts from what `make bench` kept
	@$(BOOTSTRAP) --dev && exec $(VENV) -m bench.charts

screenshots: ## Take pictures of the main pages; ARGS=samples renews those in the sample library and the README
	@$(BOOTSTRAP) --dev && exec $(VENV) -m tests.screenshots $(ARGS)

messages: ## Gather the texts to translate, and compile the translations (gathering needs gettext)
	@$(BOOTSTRAP) --dev
	@$(VENV) manage.py makemessages --locale de --no-obsolete --no-wrap --ignore ".venv*" --ignore bench --ignore tests --ignore media
	@$(VENV) -m babel.messages.frontend compile --domain django --directory searchsite/locale --statistics

lock: ## Resolve the dependencies anew into the lock files (needs uv)
	@command -v uv >/dev/null || { echo "make lock needs uv on the PATH (https://docs.astral.sh/uv/)." >&2; exit 1; }
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
		pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
		pyproject.toml --group dev -c requirements.lock -o tests/requirements.lock
	echo 'semgrep>=1.182' | uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header \
		--python-version 3.11 - -o tests/rules/requirements.lock

clean: ## Remove the virtual environment and the caches; data stays
	rm -rf .venv .venv-peers .venv-bench .venv-semgrep .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
