#!/usr/bin/env bash
# Installs what the sandbox of commands is made of, on a bare Debian or Ubuntu. As root.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
for program in bwrap unshare setpriv mount grep; do
  command -v "$program" > /dev/null || missing=1
done
[[ -z ${missing:-} ]] && exit 0
apt-get update -qq
apt-get install -qq -y --no-install-recommends bubblewrap util-linux mount grep > /dev/null
