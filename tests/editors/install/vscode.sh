#!/usr/bin/env bash
# Usage: vscode.sh PREFIX
#
# VS Code's workbench (in code-server's build) in PREFIX/code, the Node it needs as PREFIX/node24, a language client,
# and Chromium with its driver. All by package name, from npm and Debian; about 40 s and 800 MB.
set -euo pipefail
mkdir -p "${1:?where to}"
prefix=$(cd "$1" && pwd)
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) echo "no Node for $(uname -m)" >&2; exit 1 ;;
esac
packages() { npm install --no-save --ignore-scripts --omit=dev --loglevel=error "$@"; }

for part in node code; do
  mkdir -p "$prefix/$part"
  [[ -f $prefix/$part/package.json ]] || echo '{"private": true}' > "$prefix/$part/package.json"
done
(cd "$prefix/node" && packages "node-linux-$arch@24.9.0")
ln -sfn "$prefix/node/node_modules/node-linux-$arch/bin/node" "$prefix/node24"
(cd "$prefix/code" && packages code-server@4.139.1 playwright-core@1.65.1 vscode-languageclient@11.0.0)
(cd "$prefix/code/node_modules/code-server/lib/vscode" && packages) # its own shrinkwrap pins what comes
command -v chromium > /dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=300 install chromium > /dev/null
"$prefix/node24" --version
