#!/usr/bin/env bash
# Usage: vscode.sh PREFIX
#
# VS Code's workbench (in code-server's build) in PREFIX/code, the Node it needs as PREFIX/node24, a language client,
# and Chromium with its driver. All by package name, from npm and Debian; about a minute and 800 MB.
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
(cd "$prefix/node" && packages "node-linux-$arch@24.9.0" node-gyp@12)
ln -sfn "$prefix/node/node_modules/node-linux-$arch/bin/node" "$prefix/node24"
(cd "$prefix/code" && packages code-server@4.139.1 playwright-core@1.65.1 vscode-languageclient@11.0.0)
(cd "$prefix/code/node_modules/code-server/lib/vscode" && packages) # its own shrinkwrap pins what comes
command -v chromium > /dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=300 install chromium > /dev/null

# Without this native module there are no logs and no output channels, which stories read.
logger=$prefix/code/node_modules/code-server/lib/vscode/node_modules/@vscode/spdlog
if ! [[ -f $logger/build/Release/spdlog.node ]]; then
  { command -v g++ && command -v make; } > /dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=300 install g++ make > /dev/null
  home=$prefix/node/node_modules/node-linux-$arch # with the headers that a build needs
  gyp=$prefix/node/node_modules/node-gyp/bin/node-gyp.js
  (cd "$logger" && PATH=$home/bin:$PATH npm_config_nodedir=$home "$home/bin/node" "$gyp" rebuild) \
    > "$prefix/spdlog.log" 2>&1 || { tail -20 "$prefix/spdlog.log" >&2; exit 1; }
fi
"$prefix/node24" --version
