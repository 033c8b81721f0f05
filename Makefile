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
FINETUNING_ARGS ?=
GRADE_ARGS ?=
ROSTER ?=
FOLDERS ?=
NAMES ?=
FOLDER ?=
ONCE ?=
OUT ?= grading
OFFLINE ?=
WITH ?=
VALIDATE = $(BIN)/check-jsonschema --builtin-schema vendor.github
# An offline room installs from wheelhouse/ and asks no index.
override PIP_ARGS += $(if $(OFFLINE),--no-index --find-links wheelhouse)
INSTALL = $(PYTHON) -m tools.setup.install $(VENV)
# Packages of another Python must not get before .venv's own.
unexport PYTHONPATH PYTHONHOME
export PYTHONNOUSERSITE := 1
# The kernel python3 is .venv's own, whatever kernels your home folder holds and whoever made .venv.
export JUPYTER_PREFER_ENV_PATH := 1

.DEFAULT_GOAL := help
.PHONY: help course test quick check setup doctor build scores finetuning bench interop lock grade handout hub hub-test wheelhouse room slides site clean

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

# What a task needs beside the course comes into .venv when the task is first used.
bring-%: setup
	@$(INSTALL) --with $* $(PIP_ARGS)
test quick check: bring-tests
test check: site/node_modules/.all-installed
build slides: bring-build
grade: bring-grading
finetuning: bring-finetune
site: bring-site

# The website's libraries, the scripts' linters and axe-core. Whoever lacks npm can do without: the tests say so.
NPM_CI = npm ci --prefix site --ignore-scripts --no-audit --no-fund --fetch-retries=1 --engine-strict --loglevel=error
site/node_modules/.all-installed: site/package-lock.json
	@if ! command -v npm >/dev/null; then echo "npm was not found: the website's live parts are not tested."; \
		elif $(NPM_CI); then touch $@; \
		else echo "npm could not install the website's libraries: its live parts are not tested."; fi

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
	@if [ -d site/node_modules/eslint ]; then npm run --silent check --prefix site; \
		else echo "The website's scripts are not checked: npm ci --prefix site"; fi
	@$(VALIDATE)-workflows .github/workflows/ci.yml .github/workflows/pages.yml
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
	@$(INSTALL) $(PIP_ARGS)

doctor: setup ## check this machine and rerank one example
	@$(BIN)/python -m rerank_course doctor

build: setup ## build the notebooks and all else that is derived (ONLY=NAME one lesson or exercise; FORCE=1 anew)
	@$(BIN)/python -m tools.build.notebooks $(if $(ONLY),--only $(ONLY)) $(if $(FORCE),--force)
	@$(BIN)/python -m tools.build.architecture_picture

scores: setup ## record the reranker's scores that the lessons look up (most of an hour; goes on where it stopped)
	@$(BIN)/python -m tools.build.record_scores

finetuning: setup ## cross-validate recipes for fine-tuning, for the lesson (hours; goes on where it stopped; FINETUNING_ARGS=…)
	@$(BIN)/python -m tools.build.record_finetuning $(FINETUNING_ARGS)

bench: setup ## time the engines and other libraries, write docs/benchmarks.md (BENCH_ARGS=… passes options on)
	@$(BIN)/python -m tools.bench $(BENCH_ARGS)

lock: setup ## resolve pyproject.toml into requirements.txt and requirements/ (for maintainers; LOCK_ARGS=…)
	@$(BIN)/python -m tools.setup.lock $(LOCK_ARGS)

interop: setup ## call the stand-in with other people's clients, write docs/interop.md (INTEROP_ARGS="--only curl")
	@$(BIN)/python -m tools.interop $(INTEROP_ARGS)

grade: setup ## grade what a class handed in: SUBMISSIONS=folder (ROSTER=class.csv, OUT=folder, GRADE_ARGS=…)
	@if [ -z "$(SUBMISSIONS)" ]; then echo "Say where the submissions are: make grade SUBMISSIONS=folder" >&2; exit 2; fi
	@$(BIN)/python -m tools.grading.grade "$(SUBMISSIONS)" "$(OUT)" $(if $(ROSTER),--roster "$(ROSTER)") \
		$(if $(FOLDERS),--folders $(FOLDERS)) $(if $(NAMES),--names '$(NAMES)') $(GRADE_ARGS)

room: setup ## show who has passed what, from a folder that learners share: FOLDER=folder (ONCE=1 prints it)
	@if [ -z "$(FOLDER)" ]; then echo "Say which folder learners share: make room FOLDER=folder" >&2; exit 2; fi
	@$(BIN)/python -m classroom.room "$(FOLDER)" $(if $(ONCE),--once)

handout: setup ## make what students get, without solutions and rubrics: reranking-course.zip (OUT=file)
	@$(BIN)/python -m classroom.handout "$(if $(filter file,$(origin OUT)),reranking-course.zip,$(OUT))"

hub: bring-hub bring-grading ## install what a hub for a class needs: JupyterHub, its proxy, nbgrader (docs/hub.md)
	@npm ci --prefix classroom/hub

hub-test: hub bring-tests ## three students, a teacher and a hub, in a browser (root on Linux; TEST_ARGS=…)
	@RERANK_COURSE_HUB_TEST=1 $(BIN)/python -m pytest tests/hub $(TEST_ARGS)

wheelhouse: setup ## download all that the course installs into wheelhouse/ (WITH=scale more); then OFFLINE=1
	@$(BIN)/python -m tools.setup.wheelhouse wheelhouse $(addprefix --with ,$(WITH)) $(PIP_ARGS)

slides: setup ## make slides of the built lessons, a file for each, in _slides/ (ONLY=NAME one lesson)
	@$(BIN)/python -m tools.build.slides _slides $(if $(ONLY),--only $(ONLY))

site: setup ## build the course as a website, in _site/ (SERVE=1 serves it on this machine afterwards)
	@$(BIN)/python -m tools.site.website
	@if [ -n "$(SERVE)" ]; then $(BIN)/python -m tools.site.serve; fi

clean: ## remove .venv, .venv-bench, .interop, _site and _slides (models stay in your cache folder)
	rm -rf $(VENV) .venv-bench .interop _site _slides
