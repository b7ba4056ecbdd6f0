#!/bin/sh
# Before anything is installed: is this Python new enough, can it make an environment, and are the libraries
# there with which WeasyPrint draws text? Installs what is missing where it may, otherwise says the one line
# to type.
set -eu
python=${1:-python3}
export DEBIAN_FRONTEND=noninteractive

if ! version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); then
    echo "There is no $python here. Install Python 3.11 or newer, or name it: make demo PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$python is Python $version, and 3.11 or newer is needed. Name a newer one: make demo PYTHON=python3.12" >&2
    exit 1
fi

missing() {
    "$python" - <<'EOF'
import ctypes, importlib.util, sys
packages = []
if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
    packages.append("python%d.%d-venv" % sys.version_info[:2])
for library, package in (
    ("libpango-1.0.so.0", "libpango-1.0-0"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0-0"),
    ("libharfbuzz-subset.so.0", "libharfbuzz-subset0"),
):
    try:
        ctypes.CDLL(library)
    except OSError:
        packages.append(package)
print(*packages)
EOF
}

packages=$(missing)
[ -n "$packages" ] || exit 0
install="apt-get update -qq && apt-get install -y --no-install-recommends $packages"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then
        echo "Installing with apt-get: $packages"
        sh -c "$install" >"$log" 2>&1 || true
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "Installing with sudo apt-get: $packages"
        sudo -n sh -c "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; $install" >"$log" 2>&1 || true
    fi
fi
[ -n "$(missing)" ] || exit 0
tail -n 3 "$log" >&2
echo "This machine lacks: $packages (an environment for Python, or what draws the PDF reports' text)." >&2
echo "Type this, then run make again:" >&2
echo "  sudo sh -c '$install'" >&2
exit 1
