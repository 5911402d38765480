# auditor: everything that is done with a check-out, by name. `make` alone lists the targets.
#
# Needs make and Python 3.11 or newer with its venv module; the rest is installed into .venv.
# What a target makes is printed to standard output, and nothing else: the noise of installing
# goes to standard error. make turns every failure of a recipe into its own exit code 2, so ask
# .venv/bin/auditor itself where the auditor's exit code matters (1 error, 2 gate, 64 usage).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
JOBS   ?= 2
IMAGE  ?=
ARGS   ?=
IMAGES ?= all

.DEFAULT_GOAL := help
.PHONY: help scan image-named test check docs images clean

# The argument as one word for the shell, whatever stands in it.
quote = '$(subst ','\'',$(1))'

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

scan: image-named $(VENV)/.runtime ## scan an image: make scan IMAGE=nginx:latest [ARGS="-o json"]
	@$(BIN)/auditor scan $(ARGS) -- $(call quote,$(IMAGE))

image-named:
	@if [ -z $(call quote,$(IMAGE)) ]; then \
	  echo 'make scan needs an image: make scan IMAGE=nginx:latest (ARGS="-o json" for options)' >&2; \
	  exit 64; \
	fi

# ARGS narrows the run (a path, -k); all of it is two runs, since real images would only be slowed
# by the measuring of coverage. A file of integration tests stays with one worker, which scans each
# of its images once.
test: $(VENV)/.dev ## run all tests, unit tests with their branch coverage; absent tools skip
ifeq ($(strip $(ARGS)),)
	@$(BIN)/python -m pytest -q -n $(JOBS) --cov=auditor --cov-report=term:skip-covered tests/unit
	@$(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile tests/integration
else
	@$(BIN)/python -m pytest -q -n $(JOBS) $(ARGS)
endif

check: $(VENV)/.dev ## lint, format, types and layers
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

docs: $(VENV)/.docs ## build the documentation into site/; a warning is a failure
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

images: $(VENV)/.dev ## make the real images that tests use (IMAGES="nginx redis" for some)
	@$(BIN)/python fixtures/images/make.py $(IMAGES)

clean: ## remove what make and the tools made here; the cache of images is kept
	@rm -rf $(VENV) build dist site .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find auditor tests fixtures tools -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamps say that .venv holds what pyproject.toml asks for.
$(VENV)/.runtime: pyproject.toml
	@$(call make-venv)
	@$(PIP) install --editable . >&2
	@touch $@

$(VENV)/.dev: pyproject.toml
	@$(call make-venv)
	@$(PIP) install --editable '.[dev]' >&2
	@touch $@ $(VENV)/.docs $(VENV)/.runtime

$(VENV)/.docs: pyproject.toml
	@$(call make-venv)
	@$(PIP) install --editable '.[docs]' >&2
	@touch $@ $(VENV)/.runtime

# Says in a sentence what is missing, where venv itself would print a traceback or half a venv.
define make-venv
command -v $(PYTHON) >/dev/null || { \
  echo '$(PYTHON) not found: install Python 3.11 or newer, or name it: make PYTHON=python3.12' >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
  echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name one: make PYTHON=python3.12" >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  package=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
  echo "$(PYTHON) has no venv module: on Debian and Ubuntu, apt-get install $$package" >&2; exit 1; }; \
test -x $(BIN)/python || echo 'Installing into $(VENV); this is done once ...' >&2; \
$(PYTHON) -m venv $(VENV) >&2
endef
