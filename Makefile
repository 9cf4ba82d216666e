# One command for each thing a contributor or CI does. All of them can be called again at once: what is
# installed already is known by stamps inside .venv, which are renewed when pyproject.toml changes.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check bench venv system clean
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

# The first Python from 3.10 on; `make PYTHON=/path/to/python ...` takes another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# The version that all of this was measured with; a plain `pip install` takes the CPU build where there is one.
TORCH := torch==2.13.0
# What tests/ need beside Python packages: a real RTSP camera, played by GStreamer, and a real browser.
APT := $(shell cat .ci/apt.txt)

help:  ## say what there is to make
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

demo: $(VENV)/.demo  ## film a dark cabin with known faces, find them, count them; writes demo/
	@$(BIN)/faceir demo

test: $(VENV)/.dev system  ## everything installed, then every test
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(VENV)/.dev  ## format, lint, types and the quick tests, in less than two minutes
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not slow"

bench: $(VENV)/.dev  ## time what must be fast, one after another, on a quiet machine
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python "$$script"; done

venv: $(VENV)/.dev  ## .venv with every extra

clean:  ## remove .venv and what tools left
	@rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(BIN)/python:
	@if [[ -z "$(PYTHON)" ]]; then echo "error: no Python from 3.10 on found; type: apt-get install python3" >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
		if [[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null; then \
			echo "installing python3-venv"; \
			apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends python3-venv; \
		else \
			echo "error: $(PYTHON) cannot make a virtual environment; type: sudo apt-get install python3-venv" >&2; exit 1; \
		fi; \
	fi
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "installing faceir[demo] into $(VENV)"
	@$(PIP) --editable '.[demo]'
	@touch $@

# torch goes first and alone, so that its version is ours and not the newest that pip finds.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "installing faceir with every extra into $(VENV)"
	@$(PIP) $(TORCH)
	@$(PIP) --editable '.[dev]'
	@touch $(VENV)/.demo $@

# Without these packages the tests that need them say so and are skipped.
system:
	@if /usr/bin/python3 -c 'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import GstRtspServer' 2>/dev/null \
		&& gst-inspect-1.0 --exists x264enc && command -v chromium >/dev/null && PATH="$$PATH:/usr/sbin" command -v mosquitto >/dev/null; then :; \
	elif [[ $$(id -u) == 0 ]] && command -v apt-get >/dev/null; then \
		echo "installing $(APT)"; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $(APT) \
			|| echo "these could not be installed: the tests with an RTSP camera, a browser or an MQTT broker are skipped"; \
	else \
		echo "the tests with an RTSP camera, a browser or an MQTT broker are skipped; for them type: sudo apt-get install $(APT)"; \
	fi
