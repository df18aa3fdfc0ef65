# Two commands are all the set-up there is: `make demo` and `make test`.
# PYTHON may name another interpreter (3.11 or newer): make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
BUILDER := $(firstword $(foreach each,docker podman buildah,$(shell command -v $(each))))

.DEFAULT_GOAL := help
.PHONY: help demo stack test test-full check fix alerts bench golden docs dashboards kubernetes image sbom lock clean

help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: interpreter $(VENV)/run ## the exporter on its simulator, without credentials
	$(BIN)/m365-backup-exporter demo

stack: packages-for-tests interpreter $(VENV)/run ## simulator, exporter, Prometheus and Alertmanager with the shipped rules
	$(BIN)/python -m tools.stack

test: check ## all that CI runs: style, types, architecture, tests
	$(PYTEST) -n 2 --dist worksteal --cov --cov-report=term -m "not full" tests

test-full: packages-for-images check ## the long tests too
	$(PYTEST) --cov --cov-report=term tests

check: packages-for-tests interpreter $(VENV)/dev ## style, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/dev ## mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/dev ## the benchmarks, as a table
	$(BIN)/python -m bench

alerts: packages-for-tests $(VENV)/dev ## the trial of the alerts: a fleet over 14 days, written to docs/alerts.md
	$(BIN)/python -m tools.trial

golden: $(VENV)/dev ## write the golden files anew; read the difference before you commit it
	$(PYTEST) -q tests/sources --update-golden

docs: $(VENV)/dev ## generate the reference pages from the code
	$(BIN)/python -m exporter metrics > docs/metrics.md
	$(BIN)/python -m tools.configuration > docs/configuration.md
	$(BIN)/python -m tools.alerts
	$(BIN)/python -m tools.events

dashboards: $(VENV)/dev ## write Grafana's dashboards anew
	$(BIN)/python -m grafana.src

kubernetes: $(VENV)/dev ## write what the manifests take from rules, dashboards and the demo stack anew
	$(BIN)/python -m tools.kubernetes

image: interpreter $(VENV)/run ## the container image, with docker, podman or buildah; BASE may name another base
	@[ -n "$(BUILDER)" ] || { echo "docker, podman or buildah is needed to build an image" >&2; exit 1; }
	version=$$($(BIN)/m365-backup-exporter version | cut -d' ' -f2) && BUILDAH_FORMAT=docker $(BUILDER) build \
	  $(if $(BASE),--build-arg BASE=$(BASE)) --build-arg VERSION=$$version --tag m365-backup-exporter:$$version .

sbom: $(VENV)/dev ## build/sbom.json: what runs, with hashes and licences, as CycloneDX
	$(BIN)/python -m tools.sbom build/sbom.json

lock: $(VENV)/dev ## pin the newest releases of what the *.in files wish, with hashes
	$(PIP) install uv
	for each in requirements requirements-build requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header \
	    --no-annotate --no-emit-index-url --no-emit-find-links --strip-extras $$each.in -o $$each.txt || exit 1; \
	done

clean: ## remove what was made
	rm -rf build $(VENV) .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

# The virtual environment, and Debian's packages where something is missing and we may install it.
$(VENV)/bin/python: | packages
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) does not run or is older than 3.11; name another: make PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/run: requirements.txt requirements-build.txt pyproject.toml | $(VENV)/bin/python interpreter
	$(PIP) install --require-hashes --no-deps -r requirements-build.txt -r requirements.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev: requirements-dev.txt $(VENV)/run | packages-for-tests
	$(PIP) install --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

.PHONY: interpreter packages packages-for-tests packages-for-images
interpreter: | $(VENV)/bin/python
	@version='import sys; print(*sys.version_info[:2])'; \
	  [ "$$($(PYTHON) -c "$$version")" = "$$($(BIN)/python -c "$$version")" ] || \
	  { echo "$(VENV) was made with another Python than $(PYTHON): make clean first" >&2; exit 1; }

packages:
	@[ -x $(BIN)/python ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || deploy/debian-packages python3-venv

# Prometheus (with promtool) and Alertmanager (with amtool) are run by the integration tests and by `make stack`,
# Chromium opens the status page, systemd-analyze judges the unit. Asked for together, so that it is said once.
packages-for-tests:
	@missing=; \
	  [ -x $(BIN)/python ] || $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || missing=python3-venv; \
	  { command -v prometheus && command -v promtool; } >/dev/null || missing="$$missing prometheus"; \
	  { command -v prometheus-alertmanager || command -v alertmanager; } >/dev/null && command -v amtool >/dev/null || \
	    missing="$$missing prometheus-alertmanager"; \
	  command -v chromium >/dev/null || missing="$$missing chromium"; \
	  command -v systemd-analyze >/dev/null || missing="$$missing systemd"; \
	  [ -z "$$missing" ] || deploy/debian-packages $$missing
# Not everywhere a package, and only the manifests' tests want it: they are skipped without.
	@command -v kubectl >/dev/null || deploy/debian-packages kubernetes-client || \
	  echo "without kubectl: the manifests for Kubernetes are not rendered by the tests" >&2

# The long tests build the image, on a Debian that they make.
packages-for-images:
	@missing=; \
	  for each in buildah debootstrap; do command -v $$each >/dev/null || missing="$$missing $$each"; done; \
	  [ -z "$$missing" ] || deploy/debian-packages $$missing
