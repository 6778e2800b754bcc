#!/usr/bin/env bash
# Usage: emacs.sh
#
# Emacs 30 (eglot is in it) from the backports of this Debian. Installs it on the system; apt's sources stay as they are.
set -euo pipefail
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")-backports
private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
mkdir -p "$private"/lists/partial "$private/sources"
here=$(cd "$(dirname "$0")" && pwd)
machine=${DEBIAN_SOURCES:-/etc/apt/sources.list.d/debian.sources}
if [[ -f $machine ]]; then
  cp "$machine" "$private/sources/own.sources"
else
  cp /etc/apt/sources.list "$private/sources/own.list"
fi
bash "$here/suite.sh" "$suite" > "$private/sources/backports.sources"
apt() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dir::Etc::SourceList=/dev/null \
    -o Dir::Etc::SourceParts="$private/sources" -o Dir::State::Lists="$private/lists" "$@"
}
apt update
apt -y --no-install-recommends -t "$suite" install emacs-nox > /dev/null
emacs --version | head -n 1
