#!/usr/bin/env bash
# Sign in to the platform through a real Keycloak, for the nights. Arguments go to pytest.
#
# The Keycloak is that of scripts/keycloak.sh: it is started, and stopped again unless it ran already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! scripts/keycloak.sh status >/dev/null; then
    trap 'scripts/keycloak.sh down' EXIT
fi
OCTO_E2E_KEYCLOAK=$(scripts/keycloak.sh up)
export OCTO_E2E_KEYCLOAK
"${OCTO_VENV:-.venv}/bin/python" -m pytest tests/e2e/test_keycloak.py "$@"
