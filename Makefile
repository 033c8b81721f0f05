# The course's commands. `make help` lists them.

VENV := .venv
BIN := $(VENV)/bin
# The first Python that the course supports; `make course PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1 && echo $$p && break; done)
LAB_ARGS ?=
PIP_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
LOCK_ARGS ?=
INTEROP_ARGS ?=
GRADE_ARGS ?=
OUT ?= grading
OFFLINE ?=
VALIDATE = $(BIN)/check-jsonschema --builtin-schema vendor.github
# An offline room installs from wheelhouse/ and asks no index.
override PIP_ARGS += $(if $(OFFLINE),--no-index --find-links wheelhouse)
# The kernel python3 is .venv's own, whatever kernels your home folder holds and whoever made .venv.
export JUPYTER_PREFER_ENV_PATH := 1

.DEFAULT_GOAL := help
.PHONY: help course test quick check setup doctor build scores bench interop lock grade wheelhouse site clean

help: ## list these commands
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

course: setup ## install what is missing, check it, open JupyterLab (LAB_ARGS=… passes options on)
	@$(BIN)/python -m rerank_course doctor
	@$(BIN)/python -m tools.setup.start_lab $(LAB_ARGS)

test: setup ## install what is missing and run every test (TEST_ARGS=… passes options on)
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --nbval --nbval-current-env \
		--no-loadscope-reorder notebooks solutions tests $(TEST_ARGS)

quick: setup ## run the tests that need no model, no browser and no cluster, in a minute (TEST_ARGS=…)
	@$(BIN)/python -m pytest -m "not heavy" --numprocesses 2 --dist loadfile tests $(TEST_ARGS)

check: setup ## look at the code without running it: format, lint, types, the forge's files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(VALIDATE)-workflows .github/workflows/ci.yml
	@$(VALIDATE)-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(VALIDATE)-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/wrong_claim.yml
	@$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

setup: ## install the lock into .venv (PIP_ARGS=… passes options on)
	@if [ -z "$(PYTHON)" ]; then \
		echo "No Python from 3.11 to 3.14 was found. Install one (python.org, or your system's package manager)," \
			"then run this again." >&2; \
		echo "If it is installed under another name: make course PYTHON=/path/to/python" >&2; exit 1; fi
	@if [ -n "$(OFFLINE)" ] && [ ! -d wheelhouse ]; then \
		echo "There is no folder wheelhouse here. Make it where there is a network, with make wheelhouse," \
			"and copy it into this folder." >&2; exit 1; fi
	@$(PYTHON) tools/setup/install.py $(VENV) $(PIP_ARGS)

doctor: setup ## check this machine and rerank one example
	@$(BIN)/python -m rerank_course doctor

build: setup ## build the notebooks and all else that is derived (ONLY=NAME one lesson or exercise; FORCE=1 anew)
	@$(BIN)/python -m tools.build.notebooks $(if $(ONLY),--only $(ONLY)) $(if $(FORCE),--force)
	@$(BIN)/python -m tools.build.architecture_picture

scores: setup ## record the reranker's scores that the lessons look up (most of an hour; goes on where it stopped)
	@$(BIN)/python -m tools.build.record_scores

bench: setup ## time the engines and other libraries, write docs/benchmarks.md (BENCH_ARGS=… passes options on)
	@$(BIN)/python -m tools.bench $(BENCH_ARGS)

lock: setup ## resolve pyproject.toml into requirements.txt (for maintainers; LOCK_ARGS=--upgrade)
	@$(BIN)/python -m tools.setup.lock $(LOCK_ARGS)

interop: setup ## call the stand-in with other people's clients, write docs/interop.md (INTEROP_ARGS="--only curl")
	@$(BIN)/python -m tools.interop $(INTEROP_ARGS)

grade: setup ## grade what a class handed in: SUBMISSIONS=folder (OUT=folder, GRADE_ARGS=…)
	@if [ -z "$(SUBMISSIONS)" ]; then echo "Say where the submissions are: make grade SUBMISSIONS=folder" >&2; exit 2; fi
	@$(BIN)/python -m tools.grading.grade "$(SUBMISSIONS)" "$(OUT)" $(GRADE_ARGS)

wheelhouse: setup ## download all that the course installs into wheelhouse/; OFFLINE=1 then installs from there
	@$(BIN)/python -m tools.setup.wheelhouse wheelhouse $(PIP_ARGS)

site: setup ## build the course as a website to read without running, in _site/
	@$(BIN)/python -m tools.build.website

clean: ## remove .venv, .venv-bench, .interop and _site (models stay in your cache folder)
	rm -rf $(VENV) .venv-bench .interop _site
