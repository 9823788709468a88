# Every target does its own set-up in .venv, and does it only once.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
PICTURE ?= data/samples/coffee.jpg
OUTPUT ?= outputs
PROMPT ?= A cup of coffee on a wooden table, slow zoom in
TESTS ?= tests
WORKERS ?= 3
FUZZ ?=
PAGES ?=
BUNDLE ?= outputs/gpu-bundle

# DVC asks for a git checkout, and a downloaded archive is none.
WITHOUT_GIT = [ -e .git ] || $(BIN)/dvc config --local core.no_scm true

# Nothing is reported to anyone.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export DVC_NO_ANALYTICS := true

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: setup
setup: ## install everything into .venv; the other targets do it by themselves
	@VENV=$(VENV) scripts/setup.sh

.PHONY: demo
# By environment, as written: a shell, and make itself, would obey quotes and dollars in a prompt.
demo: export DEMO_PICTURE := $(value PICTURE)
demo: export DEMO_PROMPT := $(value PROMPT)
demo: export DEMO_OUTPUT := $(value OUTPUT)
demo: setup ## turn a picture and a sentence into a clip: make demo PICTURE=... PROMPT="..."
	@mkdir -p "$$DEMO_OUTPUT" && $(BIN)/python -m flows generate-video -o "$$DEMO_OUTPUT" -- "$$DEMO_PICTURE" "$$DEMO_PROMPT"

.PHONY: data
data: setup ## fetch the clips that params.yaml names and make the table of them, or what has changed of it
	@$(WITHOUT_GIT); PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro metadata

.PHONY: adapter
adapter: setup ## train and validate the adapter that params.yaml describes, from its clips on, or what has changed of it
	@$(WITHOUT_GIT); PATH="$(CURDIR)/$(BIN):$$PATH" dvc repro

.PHONY: test
# The many commands that tests start compile our code once, also in a container that keeps no bytecode.
test: setup ## run the tests; some of them: make test TESTS=tests/unit WORKERS=0
	@unset PYTHONDONTWRITEBYTECODE; OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

.PHONY: fuzz
fuzz: setup ## try damaged files on everything that reads them, an hour or so: make fuzz FUZZ="--only pictures --seed 1"
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz $(FUZZ)

.PHONY: media
media: setup ## compare files of many encoders and containers with ffmpeg, frame by frame, into reports/media.md
	@$(BIN)/python -m scripts.media_report $(MEDIA)

.PHONY: gpu
gpu: setup ## check and measure what wants a CUDA GPU, within eight minutes, into reports/gpu; run it again to resume
	@$(BIN)/python scripts/gpu_report.py

.PHONY: gpu-bundle
gpu-bundle: setup ## put all that a bare machine with a GPU needs into a folder: make gpu-bundle BUNDLE=outputs/gpu-bundle
	@$(BIN)/python scripts/gpu_bundle.py "$(BUNDLE)"

.PHONY: python-report
python-report: setup ## run the tests with another Python and record them: make python-report PYTHON=python3.12 VENV=.venv-3.12
	@OMP_NUM_THREADS=1 $(BIN)/python scripts/python_report.py --workers $(WORKERS) $(TESTS)

.PHONY: lint
lint: setup ## check style, types, imports and file sizes
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted; make format mends it" >&2; exit 1; }
	@$(BIN)/python -m mypy
	@$(BIN)/lint-imports --no-logo
	@scripts/check_sizes.sh

.PHONY: format
format: setup ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

.PHONY: docs
docs: setup ## write the tables of docs/metrics.md from the metrics' records
	@$(BIN)/python -m reelops.metrics.page docs/metrics.md

.PHONY: docs-followed
docs-followed: setup ## run all that the documentation shows, in a fresh clone, into reports/docs.json: make docs-followed PAGES=README.md
	@$(BIN)/python -m scripts.follow_docs $(PAGES)

.PHONY: hooks
hooks: setup ## check each commit before it is made
	@$(BIN)/pre-commit install

.PHONY: lock
lock: setup ## write requirements.lock from pyproject.toml; the newest of everything: make lock UPGRADE=1
	@$(BIN)/python scripts/lock.py $(if $(UPGRADE),--upgrade)

.PHONY: clean
clean: ## remove caches and build products; .venv, .reelops and outputs stay
	@rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './.venv*/*' -prune -exec rm -rf {} +
