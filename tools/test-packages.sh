#!/bin/sh
# What some tests need beyond Python: real mail servers, a browser, a reader of PDFs. Installs what is missing where
# this may be done; where not, says so, and those tests are skipped. Starts no service, and never fails.
set -u
export DEBIAN_FRONTEND=noninteractive
packages="postfix dovecot-imapd dovecot-lmtpd chromium poppler-utils"

skipped() {
    echo "Not installed here:$missing ($1). The tests that need them are skipped." >&2
    exit 0
}

missing=""
for package in $packages; do
    state=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) || state=""
    [ "$state" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null || skipped "there is no apt-get"
[ "$(id -u)" = 0 ] || skipped "only root may install packages"

# A service that a package would start has no business on a machine that runs tests: 101 is Debian's word for no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
if command -v debconf-set-selections >/dev/null; then
    echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections || true
fi
log=$(mktemp)
echo "Installing for the tests with apt-get:$missing"
# shellcheck disable=SC2086 # names of packages, to be told apart
if ! { apt-get update -qq && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 3 "$log" >&2
    rm -f "$log"
    skipped "apt-get failed"
fi
rm -f "$log"
