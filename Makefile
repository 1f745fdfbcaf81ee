# The project's commands. `make test` is the one that decides.

.DEFAULT_GOAL := help
.PHONY: help test test-deep test-tools bench bench-growth bench-load bench-report evaluate

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

test: test-tools ## Install what the tests need, then run every gate and test
	@scripts/run-gates

test-deep: test-tools ## What takes longer: many more cases, 64-bit ARM, Miri, fuzzing, the released image
	@scripts/install-deep-test-tools
	@scripts/run-deep-tests

test-tools: ## Install what the tests need; does nothing when it is all there
	@scripts/install-test-tools

bench: ## Measure all but growth and load, beside what must be and should be; JSON into target/bench
	@cargo bench --bench performance -- all

bench-growth: ## Ten million records and as many removals: half an hour, and 15 GB of disk meanwhile
	@cargo bench --bench performance -- growth

bench-load: ## Ten minutes of as much as it can take, 100 000 log objects, ten million removals at once
	@cargo bench --bench performance -- soak
	@cargo bench --bench performance -- backlog
	@cargo bench --bench performance -- purge

bench-report: ## Write what was measured last into README.md and docs/
	@scripts/performance-report
	@scripts/cost-model --write

evaluate: ## Make buckets and attacks up, and write how good the detectors are into docs/DETECTION.md
	@cargo run --release --package deltrail-core --example evaluate -- --write
