# Everything a checkout needs, from nothing but Python 3.11+ (with venv) and a C compiler.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# What is installed is in requirements.lock, to the last byte; wheels only, since a build would fetch what is not.
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet install
LOCKED := --require-hashes --only-binary :all: --requirement

# On all cores, with whoever is done taking over from the others; the ten slowest are told.
PYTEST = $(BIN)/pytest -n auto --dist worksteal --durations=10
# What needs no guest, no daemon and nothing built.
UNIT := $(addprefix tests/,acp api engine network rpc sessions store wasi_fs docs/test_house.py)

.PHONY: check commands sources flaky demo test setup lock advisories agents typescript inspect guests lint format docs bench soak clients wheel dist test-dist clean generated changelog

# What the demo's script calls; the other commands would double the time.
DEMO_COMMANDS := bash coreutils grep git

demo: $(INSTALLED) ## Run the main job visibly: an agent in a VM, its file, its transcript, a script that it tests, sleep and wake.
	@$(MAKE) --no-print-directory --jobs=2 agents commands COMMANDS="$(DEMO_COMMANDS)"
	@$(BIN)/python build/demo.py

test: setup guests commands typescript inspect ## Set up and pass the tests.
	$(PYTEST)

check: $(INSTALLED) ## Pass the quick tests: half a minute, and nothing is built.
	$(PYTEST) -q -m "not slow" $(UNIT)

flaky: setup guests commands typescript inspect ## Pass the tests five times, and twice more on a busy machine; TESTS=... names some of them.
	$(BIN)/python build/flaky.py $(TESTS)

setup: $(INSTALLED) agents ## Leave .venv/bin/torpor usable.

$(INSTALLED): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Torpor needs Python 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made; on Debian: apt install python3-venv" >&2; exit 1; }
	@# uv takes a fifth of pip's time; pip stands in where packages come from a place that only pip has been told of.
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.lock
	$(PIP) $(LOCKED) $(VENV)/uv.lock
	@$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python $(LOCKED) requirements.lock || $(PIP) $(LOCKED) requirements.lock
	@# Twice quiet: setuptools warns of what an editable installation is.
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: $(INSTALLED) ## Write requirements.lock anew from pyproject.toml; all that still fits stays as it is.
	$(BIN)/python build/lock.py

advisories: $(INSTALLED) ## Hold all pins, Python's and npm's, against the known advisories.
	$(BIN)/python build/advisories.py

agents: $(INSTALLED) ## Build the agents' components, those whose sources have changed.
	$(BIN)/python build/components.py
	$(BIN)/torpor compile echo pi

commands: $(INSTALLED) ## Build bash and the GNU tools for VMs, from their projects' sources; COMMANDS=... names some of them.
	$(BIN)/python build/commands.py --if-possible $(COMMANDS)
	$(BIN)/torpor compile

sources: $(INSTALLED) ## Collect the sources of these commands in dist/sources, as their licences ask of who passes them on.
	$(BIN)/python build/sources.py

typescript: $(INSTALLED) ## Build the TypeScript client and its examples.
	$(BIN)/python build/typescript.py

inspect: $(INSTALLED) ## Build the page of `torpor inspect`.
	$(BIN)/python build/inspector.py

guests: $(INSTALLED) ## Build the guest programs of the tests, and the agents that are examples.
	$(BIN)/python build/components.py --examples
	$(BIN)/python build/guests.py

lint: $(INSTALLED) ## Style, types, and who may import whom.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo
	$(BIN)/python build/typescript_types.py --check
	$(BIN)/python build/python_clients.py --check
	$(BIN)/python build/completions.py --check
	$(BIN)/python build/lock.py --check
	$(BIN)/python build/wasi_types.py --check

format: $(INSTALLED)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generated: $(INSTALLED) ## Write every committed file that is generated: clients, completions, the types of WASI.
	$(BIN)/python build/typescript_types.py
	$(BIN)/python build/python_clients.py
	$(BIN)/python build/completions.py
	$(BIN)/python build/wasi_types.py

changelog: $(INSTALLED) ## Show what the fragments in changelog.d come to.
	$(BIN)/towncrier build --draft --version next

docs: $(INSTALLED) ## Build the documentation in site/; a broken link or a missing page fails.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: setup guests commands ## Measure; prints the method and medians.
	$(BIN)/python -m bench

soak: setup guests ## Ten thousand sessions, kills under load, power cuts, random calls, a siege of ten minutes: over an hour, not for CI.
	TORPOR_SOAK_CYCLES=5000 $(BIN)/pytest -s tests/system/test_agents.py -k come_and_go
	TORPOR_SOAK_KILLS=200 $(BIN)/pytest -s tests/system/test_crash.py -k storm
	TORPOR_SOAK_CUTS=1000 $(BIN)/pytest -s tests/system/test_power.py
	TORPOR_FUZZ_CALLS=10000000 $(BIN)/pytest -s tests/engine/fuzz -k random
	TORPOR_SIEGE_SECONDS=600 $(BIN)/pytest -s tests/siege

clients: $(INSTALLED) ## Build the clients' packages alone, for pip and npm, in dist/clients.
	$(BIN)/python build/client_packages.py

wheel: agents commands inspect ## Build the Python package with the agents, the commands, the page and the guest SDK in it, dist/torpor-*.whl.
	$(BIN)/python build/wheel.py

dist: agents commands inspect ## Build the single executable, its SBOM and its SHA-256 sums in dist/.
	$(BIN)/python build/dist.py

test-dist: dist ## Test the single executable in a root with nothing but a libc.
	TORPOR_DIST=1 $(BIN)/pytest tests/dist

clean:
	rm -rf $(VENV) agents/dist agents/node_modules agents/examples/dist tests/guests/dist runtime/inspector/page dist site
	rm -rf $(foreach folder,clients/typescript clients/inspect docs/examples/typescript,$(folder)/dist $(folder)/node_modules)
