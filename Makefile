# Everything runs in .venv, made once; nothing needs to be installed by hand but Python (3.11 or later) and make.
# `make demo` installs what bpnn-jax itself needs, `make test` also the test tools, the report's and Ray, `make bench` the peers.
PYTHON ?= python3
PLAIN := .venv/.plain
STAMP := .venv/.ready
PIP := .venv/bin/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-lowest bench docs lint types clean

demo: $(PLAIN)
	.venv/bin/bpnn demo

test: $(STAMP)
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

# The suite on the lowest versions that pyproject.toml declares, in an environment of its own.
test-lowest: .venv-lowest/.ready
	.venv-lowest/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

.venv-lowest/.ready: pyproject.toml tests/lowest.py | .venv/bin/python
	.venv/bin/python -m venv .venv-lowest
	.venv/bin/python tests/lowest.py > .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-lowest/constraints.txt --editable '.[dev]'
	@touch $@

# The documentation site, build/site/html/index.html. A warning ends it, and so does a page that would ask another server.
docs: .venv/.docs
	.venv/bin/python -m docs.site build/site
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet --config-file build/site/mkdocs.yml
	.venv/bin/python -m docs.site --check build/site/html

# Prints; ARGS=--quick for a look, ARGS="--json FILE" for the rows, ARGS=--write-page for docs/speed.md.
# The peers in C need gcc, g++ and libfann-dev (apt-get install); without them they are left out.
bench: .venv/.bench
	.venv/bin/python -m benchmarks.speed $(ARGS)

lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: $(STAMP)
	.venv/bin/pyright

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bpnn-jax needs Python 3.11 or later; this is " + sys.version.split()[0] + ": try make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv

$(PLAIN): pyproject.toml | .venv/bin/python
	@echo "Installing bpnn-jax with JAX, NumPy, SciPy, SymPy and Arrow into .venv: 200 MB to download, 0.9 GB on the disk."
	@$(PIP) --editable .
	@touch $@

$(STAMP): pyproject.toml | .venv/bin/python
	@echo "Installing bpnn-jax, the test tools, Arrow, Ray and the report's charts into .venv: 1.5 GB on the disk."
	@$(PIP) --editable '.[dev]'
	@touch $(PLAIN) $@

.venv/.bench: $(STAMP)
	@echo "Installing the peers: PyTorch, scikit-learn and Numba."
	@$(PIP) --editable '.[bench]'
	@touch $@

.venv/.docs: $(STAMP)
	@$(PIP) --editable '.[docs]'
	@touch $@

clean:
	rm -rf .venv .venv-lowest build dist .pytest_cache .ruff_cache .hypothesis
