# Shared by scripts/test and scripts/demo, which source it: `prepare LEVEL` makes everything ready.

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

# The first Python that the project runs on. HOOKLINE_PYTHON names another one.
find_python() {
    local candidate
    for candidate in ${HOOKLINE_PYTHON:+"$HOOKLINE_PYTHON"} python3 python3.13 python3.12 python3.11 python3.10; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    echo 'hookline: missing: Python 3.10 or newer. On Debian or Ubuntu, as root: apt-get update && apt-get install -y python3' >&2
    return 1
}

prepare() {
    local python exports
    python=$(find_python)
    exports=$(env -u PYTHONHOME -u PYTHONPATH "$python" "$root/scripts/setup/prepare.py" "$1")
    eval "$exports"
}
