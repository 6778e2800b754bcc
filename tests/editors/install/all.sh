#!/usr/bin/env bash
# Usage: all.sh PREFIX
#
# Installs every editor of the stories below PREFIX and on this system, and writes PREFIX/env: the variables by which the
# tests find them. What is there already is left as it is, so that a second run takes a second. Root on Debian only.
# Exit code 1: one of the required editors is missing; env names the others all the same.
set -uo pipefail
mkdir -p "${1:?where to}"
prefix=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
export DEBIAN_FRONTEND=noninteractive
logs=$prefix/logs
failed=$prefix/failed
mkdir -p "$logs"
rm -f "$failed"
started=$SECONDS

# job NAME required|tolerated CHECK COMMAND...: runs the command unless the check passes, which is run again afterwards,
# and the script that the command is, if it is one, is still the one that was run. The network hiccups: a failure is
# tried once more.
job() {
  local name=$1 need=$2 check=$3 began=$SECONDS script=""
  shift 3
  if [[ $1 = bash ]]; then script=$(cksum < "$2"); fi
  if [[ $script = "$(cat "$logs/$name.script" 2> /dev/null)" ]] && bash -c "$check" > /dev/null 2>&1; then
    echo "  $name: there"
    return
  fi
  for attempt in 1 2; do
    if "$@" > "$logs/$name.log" 2>&1 && bash -c "$check" >> "$logs/$name.log" 2>&1; then
      [[ -z $script ]] || echo "$script" > "$logs/$name.script"
      echo "  $name: $((SECONDS - began)) s"
      return
    fi
    ((attempt == 2)) || sleep 5
  done
  if [[ $need = required ]]; then
    echo "$name" >> "$failed"
    echo "  $name: FAILED after $((SECONDS - began)) s, see $logs/$name.log:"
    tail -n 3 "$logs/$name.log" | sed 's/^/    /'
  else
    echo "  $name: not installed ($(tail -n 1 "$logs/$name.log")); its stories are skipped"
  fi
}

apt() { apt-get -qq -y -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" > /dev/null; }
system() { apt-get -qq -o DPkg::Lock::Timeout=300 update && apt install "$@"; }
binary() { echo "command -v $1"; }
runs() { echo "$1 --version"; }

# Debian's Node may be too old to build the extension: then one, and its npm, from the registry of npm itself.
node_is_new="PATH=$prefix/node/bin:\$PATH node -e 'process.exit(Number(process.versions.node.split(\".\")[0]) >= 20 ? 0 : 1)'"
newer_node() {
  local arch=x64
  [[ $(uname -m) = aarch64 ]] && arch=arm64
  mkdir -p "$prefix/node/bin" && cd "$prefix/node" && echo '{"private": true}' > package.json &&
    npm install --no-save --ignore-scripts --loglevel=error "node-linux-$arch@24.9.0" npm@11 &&
    ln -sfn "../node_modules/node-linux-$arch/bin/node" bin/node &&
    ln -sfn ../node_modules/npm/bin/npm-cli.js bin/npm && ln -sfn ../node_modules/npm/bin/npx-cli.js bin/npx
}

# Three things wait for others' disks and wires most of the time: they run side by side. Only one of them uses the
# system's apt; the others have apt directories of their own, or npm.
prefixes() {
  job neovim required "$(runs "$prefix/nvim/bin/nvim")" bash "$here/nvim.sh" "$prefix/nvim" trixie
  job helix required "$(runs "$prefix/helix/bin/hx")" bash "$here/helix.sh" "$prefix/helix" trixie
  job neovim-newest tolerated "$(runs "$prefix/nvim-new/bin/nvim")" bash "$here/nvim.sh" "$prefix/nvim-new" sid
  job lsp-mode tolerated "find $prefix/lsp-mode -name lsp-mode.el | grep -q ." bash "$here/lsp_mode.sh" "$prefix/lsp-mode" trixie
  job helix-newest tolerated "$(runs "$prefix/helix-new/bin/hx")" bash "$here/helix.sh" "$prefix/helix-new" sid
}
workbench() {
  local modules=$prefix/vscode/code/node_modules
  local logger=$modules/code-server/lib/vscode/node_modules/@vscode/spdlog/build/Release/spdlog.node
  job vscode required "test -x $prefix/vscode/node24 -a -f $logger -a -d $modules/playwright-core" \
    bash "$here/vscode.sh" "$prefix/vscode"
  job multiplexer tolerated "$(runs "$prefix/rass/bin/rass")" multiplexer
  job stylua required "$(runs "$prefix/lua/node_modules/.bin/stylua")" stylua
}
systems() {
  job compiler required "command -v g++ && command -v make" system g++ make
  job chromium required "$(binary chromium)" system chromium
  job emacs required "emacs --version | head -n 1 | grep -E 'Emacs (29|[3-9][0-9])'" env bash "$here/emacs.sh"
  job vim required "vim --version && test -d /usr/share/vim-ale" system vim vim-ale
  job luacheck required "$(binary luacheck)" system lua-check
}
multiplexer() { python3 -m venv "$prefix/rass" && "$prefix/rass/bin/pip" install -qq rassumfrassum==0.3.5; }
stylua() { mkdir -p "$prefix/lua" && cd "$prefix/lua" && echo '{"private": true}' > package.json &&
  npm install --no-save --ignore-scripts --loglevel=error @johnnymorganz/stylua-bin@2.5.2; }

job tools required "command -v patchelf && command -v tmux" system patchelf tmux ca-certificates
job npm required "$(binary npm)" system npm
job node required "$node_is_new" newer_node
prefixes &
workbench &
systems &
wait

# env NAME PROGRAM: the variable, if the program is there. One that is set already wins.
declare_editor() {
  if [[ -n $2 && -e $2 ]]; then
    echo "export $1=\"\${$1:-$2}\""
  fi
}
{
  declare_editor COPYDESK_NVIM "$prefix/nvim/bin/nvim"
  declare_editor COPYDESK_NVIM_NEW "$prefix/nvim-new/bin/nvim"
  declare_editor COPYDESK_HELIX "$prefix/helix/bin/hx"
  declare_editor COPYDESK_HELIX_NEW "$prefix/helix-new/bin/hx"
  declare_editor COPYDESK_EMACS "$(command -v emacs)"
  declare_editor COPYDESK_RASS "$prefix/rass/bin/rass"
  [[ -e $prefix/logs/lsp-mode.script ]] && declare_editor COPYDESK_LSP_MODE "$prefix/lsp-mode"
  [[ -x $prefix/vscode/node24 ]] && declare_editor COPYDESK_VSCODE "$prefix/vscode"
  declare_editor COPYDESK_VIM "$(command -v vim)"
  [[ -d $prefix/lua ]] && echo "export PATH=\"$prefix/lua/node_modules/.bin:\$PATH\""
  [[ -d $prefix/node/bin ]] && echo "export PATH=\"$prefix/node/bin:\$PATH\""
} > "$prefix/env"
echo "Editors: $((SECONDS - started)) s; found by: . $prefix/env"
[[ ! -e $failed ]]
