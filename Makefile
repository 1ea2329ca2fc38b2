# Every target that a person may want is described after "##"; `make help` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO      ?= go
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint
PKGS    := ./...
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# Fuzz targets run their seeds in `go test`; FUZZTIME lets each search further.
FUZZTIME ?= 5s

.PHONY: help
help: ## Say what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | expand -t 14

.PHONY: run
run: ## Serve for development: loopback only, everything embedded
	$(GO) run .

.PHONY: build
build: ## Build the static binary into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/bff .

.PHONY: test
test: ## Install what the tests need, then run every test (Go with -race, pages in a browser, protocol conformance)
	@tools/stage.sh "1/6 what the tests need" tools/ensure.sh
	@tools/stage.sh "2/6 generated code and web build are fresh" $(MAKE) --no-print-directory verify
	@tools/stage.sh "3/6 linter" $(MAKE) --no-print-directory lint
	@tools/stage.sh "4/6 Go tests, with the race detector" $(MAKE) --no-print-directory test-go
	@tools/stage.sh "5/6 fuzz targets, $(FUZZTIME) each" tools/fuzz.sh $(FUZZTIME)
	@tools/stage.sh "6/6 the built server: pages in a browser, protocol conformance" $(MAKE) --no-print-directory test-server

.PHONY: test-go
test-go: ## Run the Go tests only; one package at a time: several start processes, databases and clocks of their own
	CGO_ENABLED=1 $(GO) test -race -shuffle=on -p 1 -timeout 15m -coverpkg=./internal/...,./model,./resolvers,. -coverprofile=coverage.out $(PKGS)
	@$(GO) tool cover -func=coverage.out | tail -n 1

.PHONY: test-server
test-server: build ## Run the browser tests and the protocol conformance against the built server
	tools/test-server.sh

.PHONY: bench
bench: ## Measure the workloads W1 to W6 against the bare program in internal/bench, on PostgreSQL (6 minutes; BENCH=-full reports)
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 60m ./internal/bench $(BENCH)

.PHONY: lint
lint: ## Check style and package boundaries
	$(LINT) run $(PKGS)

.PHONY: generate
generate: ## Generate the GraphQL code from schema.graphqls
	$(GO) generate .

.PHONY: web
web: ## Build the pages into web/dist
	cd web && npm ci --no-audit --no-fund && npm run build

.PHONY: verify
verify: generate web ## Prove that generated code and web/dist are fresh
	$(GO) mod verify
	git diff --exit-code -- graph model/models_gen.go web/dist
	@test -z "$$(git status --porcelain -- graph model web/dist)" || { git status --porcelain -- graph model web/dist; exit 1; }
