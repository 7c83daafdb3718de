#!/usr/bin/env bash
# Installs the programs that the tests run against from Debian's packages: as root or with a sudo that
# asks for no password. Else it says what is missing, and fails only where CI=true.
#
# None of these packages brings a service but nginx-light. redis-server would:
# redis-tools holds the same program under the name redis-check-rdb.
set -euo pipefail
PATH=$PATH:/usr/sbin

has() { command -v "$1" >/dev/null; }

missing() {
    has chromium-headless-shell || echo chromium-headless-shell # Chromium without windows, half the work
    [ -e /usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc ] || echo fonts-noto-cjk
    has java || echo default-jre-headless # runs the HTML checker
    has redis-server || has redis-check-rdb || echo redis-tools
    has mariadbd || echo mariadb-server-core
    has mkfs.ext4 || echo e2fsprogs
    has ip || echo iproute2
    has iptables || echo iptables
    has fiu-ctrl || echo fiu-utils
    has faketime || echo faketime
    has my_print_defaults || echo mariadb-client-core # mariadb-install-db calls it
    has gcc || echo gcc libc6-dev # compiles the load of the benchmarks
    has nginx || echo nginx-light
    has exiftool || echo libimage-exiftool-perl # judges the removal of metadata
}

as_root() {
    if [ "$(id -u)" = 0 ]; then env "$@"; else sudo -n env "$@"; fi
}

may_install() {
    has apt-get && as_root true 2>/dev/null
}

install() {
    as_root apt-get -o Acquire::Retries=3 update -qq
    as_root DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
        --no-install-recommends "$@" >/dev/null
}

wanted=$(missing)
if [ -n "$wanted" ] && may_install; then
    echo "Installing" $wanted
    install $wanted || true # what failed is still missing, and said below
    wanted=$(missing)
fi
for package in $wanted; do
    echo "MISSING: $package. The tests that need it do not run; get it with: apt-get install $package" >&2
done
[ -z "$wanted" ] || [ "${CI:-}" != true ]
