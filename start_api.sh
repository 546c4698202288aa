#!/usr/bin/env bash
# Starts the API. Options: ./start_api.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/environment.sh
prepare_environment requirements.txt
exec .venv/bin/python src/main.py "$@"
