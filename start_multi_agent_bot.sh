#!/usr/bin/env bash
# Starts the whole system: API, agents, and in Shadow the simulated exchange. Options: ./start_multi_agent_bot.sh --help
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/environment.sh
prepare_environment requirements.txt
exec .venv/bin/python src/multi_agent_bot.py "$@"
