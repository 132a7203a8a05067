#!/bin/sh
# What the tests need from the system. As root it is installed; else it is told, and nothing runs.
set -eu

missing=""
need() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || missing="$missing $2"; }
need chromium chromium
need sshd openssh-server
need bwrap bubblewrap
need vim vim
need debootstrap debootstrap
need htop htop
need less less
ls /usr/lib/*/libnss_wrapper.so /usr/lib/libnss_wrapper.so >/dev/null 2>&1 \
    || missing="$missing libnss-wrapper"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need these packages; install them, then run this again:"
    echo "    sudo apt-get install --no-install-recommends$missing"
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 - a list of names
apt-get install -y -qq --no-install-recommends $missing >/dev/null
