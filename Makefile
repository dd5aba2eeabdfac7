# onedoor. `make run` and `make test` are all that a newcomer needs.
GO       ?= go
BIN      := $(CURDIR)/bin
LINT     := $(BIN)/golangci-lint
LINTVER  := v2.15.0
# Packages without generated code: the race detector is affordable there.
CORE     := ./internal/fault/... ./internal/law/... ./internal/district/... ./internal/item/... ./internal/scheme/... \
            ./internal/standard/... ./internal/workday/... ./internal/check/... ./internal/guide/... ./internal/catalog/... ./internal/ref/... ./internal/cache/... ./internal/bus/... \
            ./internal/casework/... ./internal/webhook/... ./internal/limit/... ./internal/courier/... ./internal/viewer/... ./internal/files/... ./internal/identity/... ./internal/jobs/... \
            ./graph/protocol/... ./plugins/sdk/... ./plugins/proto/... ./plugins/internal/... ./plugins/host/...

.PHONY: run build gen verify test race lint clients release-schema bench soak migration clean

run: ## serve on http://127.0.0.1:8080/ with the embedded database
	$(GO) run ./server

build: ## bin/server
	$(GO) build -o $(BIN)/server ./server

gen: ## write all generated code
	$(GO) generate .
	cd clients/go && $(GO) generate .

verify: ## generated code and go.mod are what they should be, and the code vets
	./scripts/verify
	$(GO) vet ./...
	cd clients/go && $(GO) vet .

test: ## everything, against real PostgreSQL and Redis
	./scripts/install-services
	$(GO) test -timeout 20m ./...
	$(MAKE) race

race: ## the packages without generated code under the race detector
	$(GO) test -race -timeout 20m $(CORE)

lint: $(LINT)
	$(LINT) run --timeout 15m ./...

$(LINT):
	GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINTVER)

bench: ## figures beside their limits, one run
	$(GO) test -run '^$$' -bench . -benchtime 3s ./internal/standard ./internal/workday
	$(GO) test -run '^$$' -bench . -benchtime 3x -timeout 30m ./internal/conflict # one edit: 50 ms; 1,000 clauses: 1 s; 10,000: 15 s of CPU, 300 MB
	$(GO) test -run '^$$' -bench . -skip Pages -benchtime 5s -timeout 30m ./internal/bench
	$(GO) test -run '^$$' -bench . -benchtime 2s -timeout 30m ./plugins/host
	$(GO) test -run '^$$' -bench Pages -benchtime 1s -timeout 30m ./internal/bench # ONEDOOR_BENCH_SCALE=0.1: a tenth of the cases

clients: ## the examples of docs/ and the clients of clients/ against the server, and the schema against the last release
	$(GO) test -count 1 -timeout 20m -run '^Test(Examples|Schema|TypeScript|GoClient|Audits)$$' ./internal/acceptance

release-schema: ## when a release is made: today's schema is what clients may rely on from now on
	cp clients/schema.graphql clients/released.graphql
	sed -i.old '/^#.*as the check prints it/!d' clients/breaks.txt && rm clients/breaks.txt.old

cases ?= 1000
soak: ## make soak cases=1000: kill the server every few seconds while clients handle cases; nothing may be lost
	$(GO) test -count 1 -v -timeout 60m -parallel 1 -run '^TestKill$$' ./internal/acceptance -cases $(cases) -kills 5 -kill-every 4s

migration: ## make migration name=what_changes; needs an empty PostgreSQL in MIGRATION_DATABASE_URL
	$(GO) run ./internal/migrationgen $(name)

clean:
	rm -rf $(BIN)
