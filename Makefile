# Each target sets itself up from nothing but Python 3.11: `make` alone says what there is.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STATUS := .pytest_cache/status
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1
export DONDOC_HOME ?= $(CURDIR)/var

.DEFAULT_GOAL := help
.PHONY: help install demo run test test-again coverage fuzz chaos mail machines ray check audit-deps pictures bench bench-scale bench-load format tools clean

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## Make the virtual environment with the dondoc command (the others call this)

$(STAMP): pyproject.toml constraints.txt
	@echo "→ making $(VENV) with $(PYTHON) and the versions of constraints.txt (one to three minutes the first time)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: install ## Replay the six-month report and two inspections of 2025 on this machine alone
	@$(BIN)/dondoc demo

run: install ## Open the home (var/, or DONDOC_HOME) with Prefect's server, its pages, a worker and live schedules
	@$(BIN)/dondoc serve

test: install tools ## Run all tests (real mail servers, Prefect, LibreOffice and Chromium on this machine)
	@rm -f $(STATUS)
	@$(BIN)/python -m pytest -n 2 --durations=15; status=$$?; mkdir -p $(dir $(STATUS)); echo $$status > $(STATUS); exit $$status

test-again: install ## Run alone what failed in the last run of the tests
	@$(BIN)/python -m pytest --last-failed --last-failed-no-failures none

coverage: install tools ## Run all tests and say which lines none of them reaches (half as long again)
	@$(BIN)/python -m pytest -n 2 --cov --cov-report=term:skip-covered

fuzz: install ## Change the bytes of forms and mails in many thousand ways, and see that nothing breaks (minutes)
	@DONDOC_FUZZ_TRIES=$(or $(TRIES),5000) $(BIN)/python -m pytest tests/adapters/test_fuzz.py -q -o timeout=0

chaos: install tools ## Kill, starve and disturb the program at every point, and say what was lost or sent twice (minutes)
	@$(BIN)/python -m tests.chaos

mail: install tools ## Replay the demo over a real Postfix and a real Dovecot (Debian's; as root; minutes)
	@DONDOC_REAL_MAIL=1 $(BIN)/python -m pytest tests/deployments/test_demo_over_real_mail.py -q

machines: install tools ## Try a server and two workers in network namespaces (root), then the demo's cycle on them against one home
	@test "$$(id -u)" != 0 || $(BIN)/python -m tests.three_machines
	@$(BIN)/python -m tests.three_machines demo

ray: install ## Try shared-out work over a real Ray on this machine alone (installs it, 280 MB; root)
	@$(BIN)/python -m pip install --quiet --editable '.[dev,ray]'
	@$(BIN)/python -m tests.ray_cluster

check: install ## Format, lint, types, layers, language: everything a machine can say of the code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit-deps: ## Ask the package index whether a version of constraints.txt has a known weakness (fails where it cannot say)
	@test -x .audit/bin/pip-audit || { $(PYTHON) -m venv .audit && PIP_CONSTRAINT= .audit/bin/python -m pip install --quiet pip-audit==2.10.1; }
	@.audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

pictures: install tools ## Take the pictures of README and guides anew, from a demo of their own in .pictures/ (minutes)
	@DONDOC_HOME=$(CURDIR)/.pictures $(BIN)/dondoc demo --quick
	@DONDOC_HOME=$(CURDIR)/.pictures $(BIN)/python -m tests.pictures

bench: install ## Measure speed as ratios against the baselines in bench/
	@$(BIN)/python -m bench

bench-scale: install ## Measure what an office of 1,000, 10,000 and 100,000 units costs, and write table and chart
	@$(BIN)/python -m bench.scale

bench-load: install ## Play the six hours before a deadline: 100,000 units, 20,000 answers, one machine; write the table
	@$(BIN)/python -m bench.load

format: install ## Bring the code into its format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

tools: ## Get LibreOffice, Chromium, poppler, PostgreSQL, Postfix, Dovecot, nginx from Debian where they are missing and may be installed
	@.ci/tools

clean: ## Remove the virtual environment and caches; the home stays
	rm -rf $(VENV) .audit .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
