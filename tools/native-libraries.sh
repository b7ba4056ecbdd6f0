#!/bin/sh
# WeasyPrint draws text with Pango; Debian and Ubuntu name the libraries below. Installs them where it may,
# otherwise says the one line to type.
set -eu
python=${1:-python3}
packages="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"

"$python" - <<'EOF' || { echo "Python 3.11 or newer is needed (and its venv module): apt-get install python3 python3-venv" >&2; exit 1; }
import sys, venv, ensurepip
raise SystemExit(sys.version_info < (3, 11))
EOF

present() {
    "$python" - <<'EOF'
import ctypes, sys
try:
    for name in ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0"):
        ctypes.CDLL(name)
except OSError:
    sys.exit(1)
EOF
}

if present; then exit 0; fi
install="apt-get update -qq && apt-get install -y --no-install-recommends $packages"
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing the libraries WeasyPrint draws with: $packages"
    if sh -c "$install" >/dev/null 2>&1 && present; then exit 0; fi
elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then
    echo "Installing the libraries WeasyPrint draws with: $packages"
    if sudo sh -c "$install" >/dev/null 2>&1 && present; then exit 0; fi
fi
echo "The PDF reports need Pango and HarfBuzz. Type this, then run make again:" >&2
echo "  sudo sh -c '$install'" >&2
exit 1
