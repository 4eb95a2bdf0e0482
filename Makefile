# Every target makes and uses .venv; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.built
RUST := Cargo.toml Cargo.lock $(shell find rust -name '*.rs' -o -name 'Cargo.toml')

.PHONY: demo test lint bench clean

demo: $(STAMP)
	$(BIN)/basketry demo -o out

test: $(STAMP) .venv/.dev
	cargo test --release --locked --workspace --quiet
	$(BIN)/python -m pytest

lint: $(STAMP) .venv/.dev
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet -p basketry-core
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml basketry._core

bench: $(STAMP) .venv/.dev
	$(BIN)/python -m pytest benches -o python_files='bench_*.py' -o python_functions='bench_*' -s -o timeout=0

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/.dev: pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --group dev
	touch $@

# An editable install in release mode: edits of Python count at once, edits of Rust rebuild here.
$(STAMP): $(RUST) pyproject.toml $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

clean:
	rm -rf .venv target out dist
