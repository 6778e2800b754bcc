#!/usr/bin/env bash
# Usage: lsp_mode.sh PREFIX [SUITE]
#
# Emacs's lsp-mode of a Debian suite (trixie, the default: 9.0.0) and what it needs, below PREFIX. Emacs is not in it.
set -euo pipefail
prefix=${1:?where to}
bash "$(dirname "$0")/deb_prefix.sh" "${2:-trixie}" "$prefix" elpa-lsp-mode
ls -d "$prefix"/usr/share/emacs/site-lisp/elpa-src/lsp-mode-*
