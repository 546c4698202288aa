#!/usr/bin/env bash
# Checks style, types, import rules and runs all tests with the coverage floor.
# With arguments only pytest runs, with these, and without the floor: ./run_tests.sh tests/unit -k grid
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/environment.sh
prepare_environment requirements-dev.txt

if [ -z "${GRIDHIVE_TEST_DATA:-}" ] && [ -d ../shared/data ]; then
    GRIDHIVE_TEST_DATA=$(cd ../shared/data && pwd)
    export GRIDHIVE_TEST_DATA
fi
# Hundreds of processes are started; without kept byte code each of them would compile every library anew.
unset PYTHONDONTWRITEBYTECODE
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-3}
python=.venv/bin/python

# Thousands of commits wait for the disk; in memory, where there is room for them, they do not.
in_memory=/dev/shm
free_kib=$(df -k --output=avail "$in_memory" 2>/dev/null | tail -n 1 || true)
if [ -z "${PYTEST_DEBUG_TEMPROOT:-}" ] && [ -w "$in_memory" ] && [ "${free_kib:-0}" -gt 4000000 ]; then
    PYTEST_DEBUG_TEMPROOT=$(mktemp -d "$in_memory/gridhive-tests.XXXXXX")
    export PYTEST_DEBUG_TEMPROOT
    trap 'rm -rf "$PYTEST_DEBUG_TEMPROOT"' EXIT
fi

if [ $# -gt 0 ]; then
    "$python" -m pytest "$@"
    exit
fi

step() {
    printf '\n== %s\n' "$1"
    shift
    "$@"
}

# Beside the checks that need one core: else every test process that replays compiles the same for most of a minute.
"$python" -c 'from backtest.compiled import compiled_replays, compiled_together
for late in (False, True):
    compiled_replays(late=late, contract=False)
    compiled_together(late=late)
compiled_replays(late=False, contract=True)' &
compiling=$!

step 'ruff check' "$python" -m ruff check .
step 'ruff format' "$python" -m ruff format --check .
step 'mypy' "$python" -m mypy --strict src
step 'lint-imports' "$python" -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo
wait "$compiling" || printf 'nothing could be compiled ahead: the tests will have to\n' >&2
# The table by file would bury a failure: .venv/bin/python -m coverage report shows it.
step 'pytest' "$python" -m pytest -n 3 --dist worksteal --durations=15 --durations-min=5 -rfER --rerun-show-tracebacks \
    --cov --cov-report=
