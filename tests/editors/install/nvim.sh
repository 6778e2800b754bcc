#!/usr/bin/env bash
# Usage: nvim.sh PREFIX [SUITE]
#
# Neovim of a Debian suite (trixie, the default: 0.10; sid: newer, and moving) as PREFIX/bin/nvim. Takes some seconds.
# Run `apt-get update` before; patchelf is installed if it is missing, which needs root.
set -euo pipefail
prefix=${1:?where to}
PATCH=usr/bin/nvim bash "$(dirname "$0")/deb_prefix.sh" "${2:-trixie}" "$prefix" neovim
mkdir -p "$prefix/bin"
cat > "$prefix/bin/nvim" << 'WRAPPER'
#!/bin/sh
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
export VIM=$here/usr/share/nvim VIMRUNTIME=$here/usr/share/nvim/runtime
exec "$here/usr/bin/nvim" "$@"
WRAPPER
chmod +x "$prefix/bin/nvim"
"$prefix/bin/nvim" --version | head -n 1
