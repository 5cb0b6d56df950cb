# `make run` and `make test` need Python >= 3.11 and the network; whatever else is missing they install.

SAMPLE ?= http-orders

.DEFAULT_GOAL := help
.PHONY: help run edit platform test check fmt docs pictures bench bench-full soak chaos chaos-platform fuzz-api small-model cluster-up cluster-down e2e-k8s e2e-keycloak clean setup

help:  ## what can be made
	@sed -n 's/^\([a-z0-9-]*\):.*  ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

run:  ## run a sample with hot reload (SAMPLE=http-orders)
	@scripts/setup.sh run
	@exec scripts/run.sh $(SAMPLE)

edit: setup  ## open the editor on the samples, or on FOLDER=...
	@scripts/editor.sh fresh
	@exec .venv/bin/octo edit $(or $(FOLDER),samples)

platform:  ## run the platform: store, version, deploy and watch integrations; kept in .octo/platform
	@scripts/setup.sh run
	@exec scripts/platform.sh

test: setup  ## every check and every test (WORKERS=3 processes; one part: scripts/test.sh tests/core)
	@scripts/test.sh

check: setup  ## lint, format, types, who may import whom
	@scripts/check.sh

fmt: setup  ## format the code and apply safe fixes
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

docs: setup  ## write octo/config/catalogue.json, docs/reference.md, the tables of docs/guarantees.md, docs/same-answer.md
	@.venv/bin/python scripts/catalogue.py > catalogue.json.new && mv catalogue.json.new octo/config/catalogue.json
	@.venv/bin/python scripts/reference.py > docs/reference.md.new && mv docs/reference.md.new docs/reference.md
	@.venv/bin/python scripts/guarantees.py > docs/guarantees.md.new && mv docs/guarantees.md.new docs/guarantees.md
	@.venv/bin/python scripts/same_answer.py > docs/same-answer.md.new && mv docs/same-answer.md.new docs/same-answer.md
	@.venv/bin/python scripts/platform_api.py > docs/platform-api.md.new && mv docs/platform-api.md.new docs/platform-api.md

pictures: setup  ## draw the terminal pictures of the documentation
	@scripts/pictures.sh

bench: setup  ## measure the budgets, some minutes; writes docs/performance.md
	@.venv/bin/python bench/run.py --short

bench-full: setup  ## measure everything, half an hour; writes docs/performance.md
	@.venv/bin/python bench/run.py --full

soak: setup  ## an hour of reloads, killed workers and restarts under load (MINUTES=60)
	@PYTHONPATH=. .venv/bin/python -m bench.soak --minutes $(or $(MINUTES),60)

chaos: setup  ## kill Octo 1,000 times at each point, hours; prints a table (KILLS=50 for minutes)
	@.venv/bin/python -m tests.chaos --kills $(or $(KILLS),1000)

fuzz-api: setup  ## ask the API of the platform whatever its document allows, minutes (EXAMPLES=20)
	@PYTHONPATH=. .venv/bin/python scripts/fuzz_api.py --examples $(or $(EXAMPLES),20)

chaos-platform: setup  ## kill the platform during 50 deploys, rolls and removals at once, minutes (COUNT=50)
	@OCTO_KILL_DEPLOYMENTS=$(or $(COUNT),50) .venv/bin/python -m pytest tests/acceptance/test_platform_kill.py

small-model: setup  ## ask a real model of 98 MB through samples, and show what it answers; some minutes
	@scripts/small-model.sh

cluster-up:  ## start a Kubernetes on this machine for the tests: root, Debian, Go; ten minutes for the first time
	@scripts/cluster.sh up

e2e-k8s: setup  ## try the platform on a real cluster with Helm: the one of cluster-up, or KUBECONFIG's (COUNT=50 to kill it under)
	@OCTO_KILL_DEPLOYMENTS=$(or $(COUNT),4) scripts/e2e-k8s.sh

e2e-keycloak: setup  ## sign in to the platform through a real Keycloak, which is started for it: Java 17, Maven; minutes
	@scripts/e2e-keycloak.sh

cluster-down:  ## stop it
	@scripts/cluster.sh down

setup:  ## install what development needs
	@scripts/setup.sh dev

clean:  ## remove everything that was made
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info
	find octo tests samples bench -name __pycache__ -type d -prune -exec rm -rf {} +
