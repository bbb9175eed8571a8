#!/bin/sh
# system.sh venv        make .venv with Python 3.11 or newer, unless it is there
# system.sh parts       see that the programs the tests drive are here: a PostgreSQL server, a browser, verifiers, relays;
#                       none of them becomes a service of the machine
# system.sh memory      name a folder in memory for the tests' files, where there is room for one
#
# As root on Debian or Ubuntu missing packages are installed. Everywhere else this says what is missing and what
# will be skipped for it.
set -eu

may_install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null
}

install_quietly() {
    echo "Installing system packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    # Packages may not start services while we install them.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
    fi
    apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 || {
        apt-get update -q >/dev/null 2>&1 || true
        apt-get install -y -q --no-install-recommends "$@" >/dev/null || echo "apt-get could not install: $*" >&2
    }
}

find_python() {
    for python in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python3.14; do
        if "$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$python"
            return
        fi
    done
}

make_venv() {
    if .venv/bin/python -c 'import pip' 2>/dev/null; then
        return
    fi
    python=$(find_python)
    if [ -z "$python" ] && may_install; then
        install_quietly python3 python3-venv
        python=$(find_python)
    fi
    if [ -z "$python" ]; then
        echo "balintmail needs Python 3.11 or newer with its venv module; none was found." >&2
        echo "On Debian and Ubuntu: sudo apt install python3-venv. Or name one: make PYTHON=/path/to/python3" >&2
        exit 1
    fi
    rm -rf .venv
    "$python" -m venv .venv
}

has_postgresql() {
    ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null
}

require_postgresql() {
    if has_postgresql 2>/dev/null; then
        return
    fi
    if may_install; then
        # Without this the package would make a cluster and start it with the machine.
        install_quietly postgresql-common
        conf=/etc/postgresql-common/createcluster.conf
        if [ -e $conf ]; then
            sed -i 's/^#\{0,1\} *create_main_cluster *=.*/create_main_cluster = false/' $conf
        fi
        install_quietly postgresql
    fi
    if ! has_postgresql; then
        echo "PostgreSQL is not installed: its half of the database tests will be skipped."
        echo "To have them: sudo apt install postgresql (the tests start a server of their own, on a private socket)"
    fi
}

# require PROGRAM PACKAGES WHAT: install PACKAGES when PROGRAM is missing, or say WHAT will be skipped.
require() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null && return
    may_install && install_quietly $2
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null && return
    echo "$1 is not installed: $3 will be skipped. To have them: sudo apt install $2"
}

require_dovecot() {
    packages="dovecot-imapd dovecot-lmtpd dovecot-sieve"
    [ -e /usr/lib/dovecot/imap ] && [ -e /usr/lib/dovecot/lmtp ] && return
    may_install && install_quietly $packages
    [ -e /usr/lib/dovecot/imap ] && return
    echo "Dovecot is not installed: the tests that read a real mailbox will be skipped. To have them: sudo apt install $packages"
}

is_installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

libraries_of() {
    apt-cache depends --no-recommends --no-suggests --no-enhances --no-conflicts --no-breaks --no-replaces "$1" |
        sed -n 's/^ *|\{0,1\}Depends: \(lib[a-z0-9.+-]*\)$/\1/p'
}

# download PACKAGES: into this folder, with those of their libraries that this machine lacks.
download() {
    seen=" $* "
    while [ $# -gt 0 ]; do
        apt-get download -q -o APT::Sandbox::User=root "$@" >/dev/null 2>&1 || {
            apt-get update -q >/dev/null 2>&1 || true
            apt-get download -q -o APT::Sandbox::User=root "$@" >/dev/null || return 1
        }
        more=
        for library in $(for package in "$@"; do libraries_of "$package"; done); do
            case "$seen" in *" $library "*) continue ;; esac
            seen="$seen$library "
            is_installed "$library" || more="$more $library"
        done
        set -- $more
    done
}

# unpack PATH PACKAGES WHAT: have PATH in .cache/servers without installing PACKAGES, or say WHAT will be skipped.
# They are mail servers too, and Debian allows one at a time.
unpack() {
    [ -e ".cache/servers/$1" ] && return
    if may_install; then
        echo "Unpacking into .cache/servers: $2"
        mkdir -p .cache/servers
        parcels=$(mktemp -d)
        (cd "$parcels" && download $2) || echo "apt-get could not download: $2" >&2
        for parcel in "$parcels"/*.deb; do
            [ ! -e "$parcel" ] || dpkg -x "$parcel" .cache/servers
        done
        rm -rf "$parcels"
        find .cache/servers -type f -perm /6000 -exec chmod ug-s {} +
    fi
    [ -e ".cache/servers/$1" ] && return
    echo "$2 is not unpacked in .cache/servers: $3 will be skipped. It takes root, on Debian or Ubuntu."
}

require_parts() {
    require_postgresql
    require chromium "chromium fonts-crosextra-caladea fonts-inter fonts-liberation fonts-noto-cjk" "the tests in a real browser"
    require opendkim opendkim "the second opinion on DKIM signatures"
    require smtp-sink postfix "the tests against Postfix"
    require_dovecot
    unpack usr/sbin/exim4 "exim4-daemon-light libnss-wrapper" "the tests against Exim"
    unpack usr/sbin/smtpd opensmtpd "the tests against OpenSMTPD"
    require faketime faketime "the tests with a clock that jumps"
    require gcc "gcc libc6-dev" "the power cuts"
}

# Nearly all of a test's time is waiting for a disk that nothing depends on: what a power cut leaves is worked out from
# recorded writes, and a killed process loses nothing of what the system has taken.
name_memory() {
    free=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
    folder=/dev/shm/balintmail-tests-$(id -u)
    if [ "${free:-0}" -gt 4000000 ] && mkdir -p -m 700 "$folder" 2>/dev/null && [ -O "$folder" ]; then
        echo "$folder"
    fi
}

case "${1:-}" in
venv) make_venv ;;
parts) require_parts ;;
memory) name_memory ;;
*)
    echo "usage: system.sh venv | parts | memory" >&2
    exit 2
    ;;
esac
