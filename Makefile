# make report   run the notebooks on data/domains (or DOMAINS=DIR) and write reports/latest
# make test     ruff, mypy --strict and the tests of all behaviour, one pytest worker for each core
# make accept   the rest: built packages, faults, JupyterLab, a real QEMU, and the corpora whole; CI runs both
# make check    the quick half: ruff, mypy --strict and the fast tests
# make lab      open the notebooks in JupyterLab
# make lock     rebuild requirements.lock from pyproject.toml
# make bench    run the benchmarks
# make fuzz     fuzz the readers (RUNS=10000 inputs) and the whole way (WAY=1000); see docs/fuzzing.md
# make sbom     write dist/virtkit.cdx.json: each package that users install, as CycloneDX
# make licences list the licences of those packages; fails at one that pyproject.toml does not allow
# make minimal  run the fast tests with the oldest versions that pyproject.toml allows
# make mutants  change the rules in SAMPLE places, chosen by SEED, and list the changes that no fast test notices
# make clean    remove the environment, builds and caches; reports stay

PYTHON     ?= python3
UV_VERSION := 0.13.9
VENV       := .venv
BIN        := $(VENV)/bin
STAMP      := $(VENV)/.ready
JOBS       ?= $(shell nproc 2>/dev/null || echo 2)
SYSTEM     := system or package or live
SLOW       := $(SYSTEM) or corpora or slow or notebook or browser or property
DOMAINS    ?=
REPORT     ?=
TESTS      ?=
LAB        ?=
SAMPLE     ?= 1000
SEED       ?= 1
MUTANTS    ?=
RUNS       ?= 10000
WAY        ?= 1000
FUZZING    ?=
LAB_HOME   ?= $(CURDIR)/$(VENV)/lab

# Some environments forbid it, but the tests and reports start a few hundred interpreters: without bytecode, each would
# compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: report test accept check lint lab lock bench fuzz sbom licences minimal mutants clean setup
.DEFAULT_GOAL := report

report: $(STAMP)
	$(BIN)/virtkit report $(if $(DOMAINS),--domains "$(DOMAINS)") $(REPORT)

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(if $(TESTS),$(TESTS),-m "not ($(SYSTEM))")

check: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not ($(SLOW))" $(TESTS)

accept: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "$(SYSTEM)"
	$(BIN)/python -m pytest -n $(JOBS) --whole -m corpora

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/mypy

# JupyterLab keeps its settings, history and running kernels in LAB_HOME, apart from the user's own. It contacts no host
# for news, updates or extensions (virtkit/notebook/lab/overrides.json). LAB adds options, such as --no-browser.
lab: export JUPYTER_CONFIG_DIR := $(LAB_HOME)/config
lab: export JUPYTER_DATA_DIR := $(LAB_HOME)/data
lab: export JUPYTER_PREFER_ENV_PATH := 1
lab: export IPYTHONDIR := $(LAB_HOME)/ipython
lab: $(STAMP)
	$(BIN)/jupyter lab --LabApp.app_settings_dir="$(CURDIR)/virtkit/notebook/lab" \
	    --LabApp.extension_manager=readonly --LanguageServerManager.autodetect=False \
	    $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB) notebooks/00-start-here.ipynb

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# atheris has wheels for Linux only, and is kept out of the environment. Without it, fuzzing goes on without libFuzzer.
ATHERIS := build/atheris

$(ATHERIS)/.ready: fuzzing/requirements.lock $(STAMP)
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --target $(ATHERIS) --require-hashes --only-binary :all: \
	    -r fuzzing/requirements.lock || echo "atheris cannot be installed; fuzzing without libFuzzer"
	@mkdir -p $(ATHERIS) && touch $@

fuzz: $(ATHERIS)/.ready
	PYTHONPATH=$(ATHERIS) $(BIN)/python -m fuzzing --runs $(RUNS) --way $(WAY) --seed $(SEED) --jobs $(JOBS) $(FUZZING)

lock: $(STAMP)
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --quiet \
	    --no-emit-index-url --no-annotate --extra report --extra lab --extra fleet --extra qemu --extra dev \
	    --output-file requirements.lock $(LOCKFLAGS) pyproject.toml
	$(BIN)/uv pip compile --python-version 3.11 --generate-hashes --no-header --quiet --no-emit-index-url --no-annotate \
	    --only-binary :all: --extra fuzz --constraint requirements.lock --no-emit-package lxml \
	    --output-file fuzzing/requirements.lock $(LOCKFLAGS) pyproject.toml

# What users install: virtkit and all extras that requirements.lock holds, without the tools of development.
RUNTIME := build/runtime

$(RUNTIME)/.ready: requirements.lock pyproject.toml $(STAMP)
	mkdir -p build
	$(BIN)/uv pip compile --python-version 3.11 --generate-hashes --no-header --quiet --no-emit-index-url --no-annotate \
	    --extra report --extra lab --extra fleet --extra qemu --constraint requirements.lock \
	    --output-file build/runtime.txt pyproject.toml
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(RUNTIME)
	VIRTUAL_ENV=$(CURDIR)/$(RUNTIME) $(BIN)/uv pip sync --quiet --require-hashes --only-binary :all: build/runtime.txt
	@touch $@

# Packages on PYTHONPATH are the user's own: they belong neither to the list nor to the licences.
sbom: $(RUNTIME)/.ready
	mkdir -p dist
	env -u PYTHONPATH $(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file dist/.virtkit.cdx.json \
	    $(RUNTIME)/bin/python
	mv dist/.virtkit.cdx.json dist/virtkit.cdx.json

licences: $(RUNTIME)/.ready
	@env -u PYTHONPATH $(BIN)/pip-licenses --python $(RUNTIME)/bin/python

MINIMAL := build/minimal

$(MINIMAL)/.ready: pyproject.toml $(STAMP)
	mkdir -p build
	$(BIN)/uv pip compile --resolution lowest-direct --python-version 3.11 --no-header --quiet --no-emit-index-url \
	    --no-annotate --only-binary :all: --extra report --extra lab --extra fleet --extra qemu --extra dev \
	    --output-file build/minimal.txt pyproject.toml
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(MINIMAL)
	VIRTUAL_ENV=$(CURDIR)/$(MINIMAL) $(BIN)/uv pip sync --quiet --only-binary :all: build/minimal.txt
	VIRTUAL_ENV=$(CURDIR)/$(MINIMAL) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

minimal: $(MINIMAL)/.ready
	$(MINIMAL)/bin/python -m pytest -n $(JOBS) --dist worksteal -m "not ($(SLOW))" $(TESTS)

# mutmut makes the mutants and coverage.py finds the tests of each. MUTANTS adds options, such as --only virtio/.
MUTATION := build/mutation

$(MUTATION)/.ready: requirements.lock pyproject.toml $(STAMP)
	mkdir -p build
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(MUTATION)
	VIRTUAL_ENV=$(CURDIR)/$(MUTATION) $(BIN)/uv pip sync --quiet --require-hashes --only-binary :all: requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(MUTATION) $(BIN)/uv pip install --quiet --only-binary :all: \
	    --constraint tests/mutation/constraints.txt coverage mutmut
	VIRTUAL_ENV=$(CURDIR)/$(MUTATION) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

mutants: $(MUTATION)/.ready
	$(MUTATION)/bin/python -m tests.mutation --sample $(SAMPLE) --seed $(SEED) $(MUTANTS)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMP)

# The environment holds wheels only, each with a hash that requirements.lock lists.
$(STAMP): requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh .ci/need-venv
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@test "$$($(BIN)/uv --version 2>/dev/null | cut -d' ' -f2)" = "$(UV_VERSION)" \
	    || $(BIN)/python -m pip install --quiet --disable-pip-version-check --only-binary :all: uv==$(UV_VERSION)
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --only-binary :all: --compile-bytecode requirements.lock
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@
