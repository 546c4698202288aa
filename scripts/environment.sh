# Sourced by the start and test scripts: makes the virtual environment and keeps it as the requirements file says.
# Needs bash. Installs nothing outside .venv.

UV_VERSION=0.13.8

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# Prints the first Python that is new enough: $PYTHON, else python3.11 and later, else python3.
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3.12 python3.13 python3; do
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "Python 3.11 or later is needed and was not found. Install it (Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv), or name one: PYTHON=/path/to/python3.11 $0"
}

make_venv() {
    local python
    python=$(find_python) || exit 1
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "$python has no venv module. Install it (Debian, Ubuntu: sudo apt-get install python3-venv), then start again."
    printf 'Making the environment in .venv (once) ...\n' >&2
    "$python" -m venv --clear .venv || fail "The environment could not be made in $PWD/.venv."
}

# Lets `python -m simulator`, backtest, rl and cli work from any folder.
write_path_file() {
    local site
    site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])') || exit 1
    if [ "$(cat "$site/gridhive.pth" 2>/dev/null)" != "$PWD/src" ]; then
        printf '%s\n' "$PWD/src" >"$site/gridhive.pth"
    fi
}

install_requirements() {
    local file=$1 stamp=.venv/.installed-$1 wanted
    wanted=$(.venv/bin/python -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$file")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    printf 'Installing what %s names (a few minutes the first time) ...\n' "$file" >&2
    if [ "$(.venv/bin/python -m uv --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION" ||
            fail "uv could not be installed. Is there a connection to the package index?"
    fi
    .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --requirement "$file" ||
        fail "The packages of $file could not be installed; the lines above say why."
    printf '%s\n' "$wanted" >"$stamp"
}

# prepare_environment REQUIREMENTS_FILE: call it from the repository's root. Two starts at once wait for each other.
prepare_environment() {
    if command -v flock >/dev/null 2>&1; then
        exec 9>.environment.lock
        flock 9
    fi
    .venv/bin/python -c '' >/dev/null 2>&1 || make_venv
    install_requirements "$1"
    write_path_file
    exec 9>&-
}
