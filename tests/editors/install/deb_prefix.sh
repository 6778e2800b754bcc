#!/usr/bin/env bash
# Usage: deb_prefix.sh SUITE PREFIX PACKAGE...
#
# Unpacks Debian packages of another suite below PREFIX, with all they depend on down to the C library. Nothing of the
# running system is changed. Where Debian is comes from this machine's own apt sources; x86-64 only.
# Programs named in $PATCH (relative to PREFIX) are bound to PREFIX's loader and libraries, so that they run on an older
# system, and the programs they start still use the system's.
set -euo pipefail
(($# >= 3)) || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
suite=$1
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
shift 2

private=$(mktemp -d)
trap 'rm -rf "$private"' EXIT
mkdir -p "$private"/{lists,cache/archives}/partial "$private"/{sources,preferences}
touch "$private/status"  # nothing counts as installed, so that the whole closure is fetched

bash "$(dirname "$0")/suite.sh" "$suite" > "$private/sources/other.sources"

cat > "$private/apt.conf" << CONFIG
Dir::Etc::SourceList "/dev/null";
Dir::Etc::SourceParts "$private/sources";
Dir::Etc::PreferencesParts "$private/preferences";
Dir::State::Lists "$private/lists";
Dir::State::Status "$private/status";
Dir::Cache "$private/cache";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
CONFIG
export APT_CONFIG=$private/apt.conf
apt-get -qq update
apt-get -qq -y --download-only install "$@" > /dev/null
for package in "$private"/cache/archives/*.deb; do
  dpkg -x "$package" "$prefix"
done
unset APT_CONFIG

[[ -z ${PATCH:-} ]] || command -v patchelf > /dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=300 install patchelf > /dev/null
for program in ${PATCH:-}; do
  patchelf --set-interpreter "$prefix/usr/lib64/ld-linux-x86-64.so.2" \
    --force-rpath --set-rpath "$prefix/usr/lib/x86_64-linux-gnu" "$prefix/$program"
done
