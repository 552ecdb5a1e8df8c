# Everything a newcomer or CI does. `make demo` and `make test` need Python 3.11+, make and a
# package registry; they make their own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TEST := tests
BEGAN := $(shell date +%s)
# Hundreds of processes import the same modules: let the first of them keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo evidence pictures test check format lint types templates docs checkov policies locks floors clean help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 12

demo: $(VENV)/demo  ## the main job, end to end, on the embedded AWS (KEEP=1 leaves it running)
	@BEGAN=$(BEGAN) $(BIN)/python scripts/demo.py $(if $(KEEP),--keep)

evidence: $(VENV)/dev  ## evidence/ again: a week of every schedule, and a stream of two hours
	$(BIN)/python scripts/evidence.py $(if $(STREAM_SECONDS),--stream-seconds $(STREAM_SECONDS))

pictures: $(VENV)/dev  ## the documentation's pictures again, light and dark; needs Chromium
	$(BIN)/python scripts/pictures.py

# Two processes for each core, as tests/conftest.py says: many tests wait for the embedded AWS. Files
# in their order, not those of most tests first: the many small ones come last, and no process waits
# for another at the end.
test: $(VENV)/dev  ## the tests (SLOW=1 or CI=true: those too that install, build and browse)
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder \
	  $(if $(SLOW)$(filter true,$(CI)),,--no-slow) $(TEST)

check: $(VENV)/dev format lint types templates test  ## what a commit must pass

format: $(VENV)/dev  ## formatting, as ruff has it
	$(BIN)/ruff format --check .

lint: $(VENV)/dev
	$(BIN)/ruff check .

types: $(VENV)/dev
	$(BIN)/mypy

templates: $(VENV)/dev  ## the templates, by cfn-lint
	$(BIN)/cfn-lint --include-checks I -- templates/*.yaml

docs: $(VENV)/dev  ## the documentation site, in build/docs/; every warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -n -j auto -c docs . build/docs

checkov:  ## the templates, by checkov (in an environment of its own: it pins much)
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install -q checkov
	.venv-checkov/bin/checkov --config-file .checkov.yaml

policies: $(VENV)/dev  ## the templates' policies, by parliament and cloudsplaining
	$(BIN)/python -m scripts.lint_policies --export .toolkit/policies
	$(PYTHON) -m venv .venv-policies
	.venv-policies/bin/pip install -q parliament==1.6.4 cloudsplaining==0.9.1 'setuptools<81'
	.venv-policies/bin/python scripts/lint_policies.py .toolkit/policies

# Hash-locked, so that what is installed here is what was tested. pip's own cache makes a second
# environment cheap.
$(VENV)/demo: .ci/locks/toolkit.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --require-hashes -r .ci/locks/toolkit.lock
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: .ci/locks/dev.lock $(VENV)/demo
	$(BIN)/python -m pip install -q --require-hashes -r .ci/locks/dev.lock
	@touch $@

locks: $(VENV)/dev  ## make the locks anew, at the newest versions
	$(BIN)/python -m pip install -q uv
	sh .ci/lock

# The embedded AWS brings its own locked packages, so what only tries it is left out here, as is what
# reads this repository or calculates without a library.
floors: $(VENV)/dev  ## the tests, on the oldest dependencies that pyproject.toml allows
	$(PYTHON) -m venv --clear .venv-floors
	.venv-floors/bin/python -m pip install -q --require-hashes -r .ci/locks/floors.lock
	.venv-floors/bin/python -m pip install -q --no-deps --no-build-isolation -e .
	.venv-floors/bin/pytest -n auto --dist loadfile -m "not container" \
	  --ignore tests/functional/local --ignore tests/functional/rehearsals \
	  --no-slow --ignore tests/unit/test_architecture.py --ignore tests/unit/test_import_circles.py \
	  --ignore-glob 'tests/unit/test_expression*' --ignore-glob 'tests/unit/test_docs_*' $(TEST)

clean:  ## everything that make and the toolkit made here
	-test -x $(BIN)/toolkit && $(BIN)/toolkit local stop
	rm -rf $(VENV) .venv-floors .venv-checkov .venv-policies .toolkit build *.egg-info .mypy_cache .ruff_cache .pytest_cache
