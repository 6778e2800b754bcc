#!/usr/bin/env bash
# Usage: helix.sh PREFIX [SUITE]
#
# Helix of a Debian suite (trixie, the default: 25.01; sid: newer) as PREFIX/bin/hx, and tmux to drive it.
set -euo pipefail
prefix=${1:?where to}
command -v tmux > /dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=300 install tmux > /dev/null
PATCH=usr/bin/hx bash "$(dirname "$0")/deb_prefix.sh" "${2:-trixie}" "$prefix" hx
mkdir -p "$prefix/bin"
ln -sfn ../usr/bin/hx "$prefix/bin/hx"
"$prefix/bin/hx" --version
