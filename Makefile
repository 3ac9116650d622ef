# make demo: restores a damaged photograph. make test: everything that CI checks.
# Both make a virtual environment in .venv first; they need Python, a C++ compiler and the network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
BUILT_FROM := pyproject.toml constraints.txt CMakeLists.txt \
	$(shell find kernels \( -name '*.cpp' -o -name '*.h' -o -name '*.inc' -o -name '*.cmake' -o -name CMakeLists.txt \))
SOURCES := sdk export kernels benchmarks tests examples

.PHONY: demo pictures test format lint types unit bench clean

demo: $(VENV)/runtime.stamp
	$(BIN)/python examples/demo.py

# Draws the documentation's pictures anew.
pictures: $(VENV)/runtime.stamp
	$(BIN)/python examples/pictures.py

test: lint types unit

lint: $(VENV)/develop.stamp
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)

types: $(VENV)/develop.stamp
	$(BIN)/mypy

unit: $(VENV)/develop.stamp
	$(BIN)/pytest

format: $(VENV)/develop.stamp
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# make bench PICTURES=folder MASKS=folder
bench: $(VENV)/develop.stamp
	$(BIN)/inpaint-bench run --pictures $(PICTURES) --masks $(MASKS) -o build/bench.json

clean:
	rm -rf $(VENV) build dist demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/runtime.stamp: $(BIN)/python $(BUILT_FROM)
	$(PIP) --editable .
	touch $@

# The runtime comes first and alone, so that a demo does not wait for PyTorch. Of kernel-lens the
# TensorRT plugin's tests want the C++ headers that it carries, and nothing that it depends on;
# tensorrt-stubs asks for TensorRT itself, which is not on PyPI.
$(VENV)/develop.stamp: $(VENV)/runtime.stamp
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps kernel-lens==2.0.1 tensorrt-stubs==10.13.0.35.1
	touch $@
