# Two commands on a fresh machine: `make demo` and `make test`. Each sets up what it needs.
#
# Rust (with cargo) and Python 3.11 or newer are all that must be there before.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# The SAM CLI and what it builds with. Where it is becomes part of what cargo goes by: in another folder, everything is compiled anew.
TOOLS := $(or $(PORTOLAN_TOOLS),$(CURDIR)/.venv-tools)

# What functions are built for: arm64 or x86_64. Another one than the template's default goes into `sam deploy`, too.
ARCHITECTURE := arm64

.PHONY: help setup tools demo test soak bench-target fuzz derived lint build clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: ## Install the emulated AWS (moto) into .venv
	@.ci/prepare .venv tests/support/aws/requirements.txt

tools: ## Install the SAM CLI and what it builds with into .venv-tools
	@.ci/prepare "$(TOOLS)" .ci/tools-requirements.txt

demo: setup ## Bring an emulated organization into an emulated Port, and show it
	@RUST_BACKTRACE=0 cargo test --quiet --test demo

test: setup ## Run all tests
	RUST_BACKTRACE=0 cargo test

soak: setup ## Play many more stories of runs in which everything goes wrong (STORIES=20000), and kill many more workers (KILLS=1000)
	PORTOLAN_STORIES=$(or $(STORIES),20000) cargo test --test model -- --nocapture
	PORTOLAN_KILLS=$(or $(KILLS),1000) cargo test --test system -- --nocapture kills::

bench-target: setup ## Measure targets of 20,000 and 200,000 resources (BENCH_SIZES=20000,200000) with the optimized functions
	cargo build --release --bins
	PORTOLAN_BINARIES="$${CARGO_TARGET_DIR:-target}/release" cargo test --quiet --test bench_target

fuzz: ## Fuzz what comes from outside, each target so long (SECONDS=60)
	fuzz/run -max_total_time=$(or $(SECONDS),60)

derived: setup ## Write what is derived from the kinds: docs/kinds, policies
	PORTOLAN_WRITE_DERIVED=1 cargo test --quiet --test system derived::

lint: setup ## Check formatting, lints and templates
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --all-targets -- --deny warnings
	.ci/lint-templates

build: tools ## Build both functions for Lambda into .aws-sam (ARCHITECTURE=x86_64)
	PATH="$(TOOLS)/bin:$$PATH" SAM_CLI_TELEMETRY=0 sam build --parameter-overrides Architecture=$(ARCHITECTURE)

clean: ## Remove what was built and installed here
	cargo clean
	rm -rf .venv .venv-tools .venv-checkov .aws-sam
