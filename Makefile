# Tasks of a checkout; `make help` lists them. The Python tools live in .venv and are
# installed anew when pyproject.toml changes. ARGS go to the server: make run ARGS="--port 8000".

PYTHON ?= python3
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

say = @printf '\n== %s\n' '$(1)'
venv_package = python3.$(shell $(PYTHON) -c 'import sys; print(sys.version_info.minor)')-venv
as_root = $(if $(filter 0,$(shell id -u)),env,sudo -n env)
apt_install = { $(as_root) true 2>/dev/null && $(as_root) apt-get -o Acquire::Retries=3 update -qq && \
	$(as_root) DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(1) >/dev/null; }
npm_ci = @PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --no-audit --no-fund --loglevel=error
fail = { echo '$(1)' >&2; exit 1; }

.NOTPARALLEL:
.PHONY: help hostile bench bench-quick bench-page check-web screenshots faults figures run test check format formatted lint types programs javascript python catalogue describe clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: .venv/runtime ## start the server here, with what it needs installed in .venv
	@$(BIN)/python -m chatserver $(ARGS)

test: formatted lint types programs javascript python ## all checks and tests: what CI runs

check: export TESTS := fast
check: formatted lint types python ## the quick part of it: no MariaDB, Redis or browser

format: .venv/tools ## put the Python code in the project's form
	$(call say,Formatting)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

formatted: .venv/tools
	$(call say,Is it formatted?)
	@$(BIN)/ruff format --check .

lint: .venv/tools ## look for likely mistakes
	$(call say,Lint)
	@$(BIN)/ruff check .

types: .venv/tools ## check the types, of the tests too
	$(call say,Types)
	@$(BIN)/mypy

programs: node_modules/.package-lock.json ## install what the tests run with: MariaDB, Redis, Chromium, Java
	$(call say,Programs that the tests run against)
	@tests/install-debian.sh

javascript: node_modules/.package-lock.json ## lint the browser code, and test what needs no browser
	$(call say,JavaScript)
	@$(BIN)/node node_modules/eslint/bin/eslint.js .
	@$(BIN)/node --test tests/js/*.test.*js

python: .venv/tools ## run the Python tests, those in the browser too
	$(call say,Python tests)
	@$(BIN)/pytest --numprocesses=2 --dist=loadgroup

faults: export FAULTS := whole
faults: .venv/tools programs ## break every promise on purpose, and write docs/guarantees.md (root; half an hour)
	$(call say,Faults)
	@$(BIN)/pytest --timeout=900 -q tests/faults

hostile: export HOSTILE := whole
hostile: .venv/tools .venv/hostile ## attack it with the tools of others, and write docs/security.md (ten minutes)
	$(call say,Hostile input and intruders)
	@$(BIN)/pytest --timeout=900 -q tests/hostile
	@$(BIN)/python -m tests.hostile

figures: .venv/tools ## measure start, memory and throughput of one node
	@$(BIN)/python -m benchmarks.figures

bench: .venv/bench ## measure beside peers, into benchmarks/RESULTS.md: twenty minutes, two free cores
	@$(BIN)/python -m benchmarks

bench-quick: .venv/bench ## the same roughly, in under two minutes, into build/bench/
	@$(BIN)/python -m benchmarks --quick --into build/bench

bench-page: .venv/tools ## measure the chat page in Chromium: rooms that are busy, long or full of pictures
	@$(BIN)/python -m benchmarks.page

catalogue: .venv/tools ## bring the texts of the sources into locale/, and compile the translations
	$(call say,Catalogue)
	@$(BIN)/pybabel extract -F locale/babel.cfg --project=chatserver --copyright-holder=chatserver \
		--add-location=file --no-wrap -o locale/chatserver.pot .
	@$(BIN)/pybabel update -D chatserver -i locale/chatserver.pot -d locale --no-wrap \
		--no-fuzzy-matching --ignore-obsolete
	@$(BIN)/pybabel compile -D chatserver -d locale

check-web: .venv/tools tests/lighthouse/node_modules/.package-lock.json ## Lighthouse: 95 of 100 at least, on login and chat
	$(call say,Lighthouse)
	@$(BIN)/python -m tests.lighthouse

screenshots: .venv/tools ## take the pictures of the README again, into docs/screenshots/
	$(call say,Screenshots)
	@fc-list | grep -qi coloremoji || $(call apt_install,fonts-noto-color-emoji) \
	|| $(call fail,Install a font with emoji: fonts-noto-color-emoji)
	@$(BIN)/python -m tests.screenshots

describe: .venv/tools ## write asyncapi.json, openapi.json and protocol.md in docs/
	$(call say,Describing)
	@$(BIN)/python -m chatserver.web.api_docs

clean: ## remove .venv and what the tools left; chatserver-data stays
	$(call say,Cleaning)
	@rm -rf .venv node_modules tests/lighthouse/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/runtime: pyproject.toml
	$(call say,Installing the server into .venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	|| $(call fail,Python 3.11 or newer is needed; name another one with: make PYTHON=python3.12)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call apt_install,$(venv_package)) \
	|| $(call fail,Python cannot make a virtual environment here: install $(venv_package) and run make again)
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install -qq --upgrade pip
	@$(BIN)/python -m pip install -qq --editable .
	@touch $@

.venv/bench: .venv/tools
	$(call say,Installing what is compared: npm and a C compiler are needed)
	@command -v gcc >/dev/null && command -v npm >/dev/null || $(call apt_install,gcc libc6-dev nodejs npm) \
	|| $(call fail,Install gcc and Node 20 with npm)
	@$(BIN)/python -m pip install -qq --group bench
	@cd benchmarks/peers && npm ci --no-fund --no-audit --silent
	@touch $@

# The scanners have an environment of their own: their dependencies are none of ours.
.venv/hostile: .venv/tools
	$(call say,Installing the scanners into .venv/hostile)
	@command -v slowhttptest >/dev/null || $(call apt_install,slowhttptest) || $(call fail,Install slowhttptest)
	@$(PYTHON) -m venv --clear $@
	@$@/bin/python -m pip install -qq --upgrade pip
	@$@/bin/python -m pip install -qq --group hostile

.venv/tools: .venv/runtime
	$(call say,Installing the development tools into .venv)
	@$(BIN)/python -m pip install -qq --group dev
	@touch $@

# Node itself is one of the tools in .venv: Debian's npm would bring four hundred packages.
node_modules/.package-lock.json: package.json package-lock.json | .venv/tools
	$(call say,Installing ESLint and the HTML checker into node_modules)
	$(npm_ci)
	@touch $@

tests/lighthouse/node_modules/.package-lock.json: tests/lighthouse/package.json tests/lighthouse/package-lock.json | .venv/tools
	$(call say,Installing Lighthouse into tests/lighthouse/node_modules)
	$(npm_ci) --prefix tests/lighthouse
	@touch $@
