#!/usr/bin/env bash
# Usage: suite.sh SUITE
#
# Prints apt's source for another suite of Debian, taken from this machine's own: the same mirror, the same keys.
# Both ways of writing sources are read: debian.sources of newer installations, sources.list of older ones.
set -euo pipefail
suite=${1:?which suite}
machine=${DEBIAN_SOURCES:-/etc/apt/sources.list.d/debian.sources}
if [[ -f $machine ]]; then
  awk -v RS= -v suite="$suite" 'NR == 1 { sub(/Suites:[^\n]*/, "Suites: " suite); print }' "$machine" | grep -v '^#'
else
  # deb [options] URI SUITE COMPONENT…: the first one that is Debian's main archive
  awk -v suite="$suite" '
    $1 == "deb" { sub(/\[[^]]*\] */, ""); if ($2 ~ /debian/ && $2 !~ /security/) {
      print "Types: deb\nURIs: " $2 "\nSuites: " suite "\nComponents: main"
      print "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"; exit } }' /etc/apt/sources.list
fi
