# Everything runs in .venv, made once; nothing needs to be installed by hand but Python (3.11 or later) and make.
PYTHON ?= python3
STAMP := .venv/.ready

.PHONY: demo test bench lint types clean

demo: $(STAMP)
	.venv/bin/bpnn demo

test: $(STAMP)
	.venv/bin/pytest -n 2 --dist loadfile

# Prints; ARGS=--quick for a look, ARGS="--json FILE" for the rows, ARGS=--write-page for docs/speed.md. The peers in C want gcc, g++ and libfann-dev (apt-get install); without them they are left out.
bench: .venv/.bench
	.venv/bin/python -m benchmarks.speed $(ARGS)

lint: $(STAMP)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: $(STAMP)
	.venv/bin/pyright

$(STAMP): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "bpnn-jax needs Python 3.11 or later; this is " + sys.version.split()[0] + ": try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

.venv/.bench: $(STAMP)
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
