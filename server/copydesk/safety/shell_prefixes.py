"""Programs that stand before another program's words, as data: their options, and what they add to its danger.

A key of two words, joined by `+`, is a program with its subcommand (`uv run`). Start with `PREFIXES`.
"""

from copydesk.domain.frozen import frozen
from copydesk.domain.risks import RiskLevel
from copydesk.safety.shell_words import named


@frozen
class Prefix:
    """`values`: options that take the next word; `flags`: those that do not; `n_skipped` words before the command."""

    values: str = ""
    flags: str = ""
    n_skipped: int = 0
    level: RiskLevel = "safe"
    reason: str = ""


_RIGHTS = "runs it with another's rights"
_MACHINE = "runs it in another place of the machine"

PREFIXES: dict[str, Prefix] = {
    "timeout": Prefix("-s --signal -k --kill-after", "--preserve-status --foreground -v --verbose", 1),
    "gtimeout": Prefix("-s --signal -k --kill-after", "--preserve-status --foreground", 1),
    "nice": Prefix("-n --adjustment"),
    "nohup": Prefix(),
    "setsid": Prefix("", "-f -w -c --fork --wait --ctty"),
    "stdbuf": Prefix("-i -o -e --input --output --error"),
    "unbuffer": Prefix("", "-p"),
    "ionice": Prefix("-c -n --class --classdata", "-t"),
    "chrt": Prefix("", "-f -r -o -b -i -d --fifo --rr --other --batch --idle", 1),
    "taskset": Prefix("", "-c -a --cpu-list", 1),
    "caffeinate": Prefix("-t -w", "-d -i -m -s -u -di -dis"),
    "builtin": Prefix(),
    "winpty": Prefix(),
    "catchsegv": Prefix(),
    "not": Prefix(),
    "chronic": Prefix("", "-v -e"),
    "ts-run": Prefix(),
    "time": Prefix("-f --format", "-p -v --verbose --portability"),
    "hyperfine-run": Prefix(),
    "sudo": Prefix(
        "-u -g -h -p -C -T -r -t -D -R -U --user --group", "-n -E -H -S -k -K -b -A -P -B --", 0, "high", _RIGHTS
    ),
    "doas": Prefix("-u -C", "-n -s -L", 0, "high", _RIGHTS),
    "pkexec": Prefix("--user", "--disable-internal-agent --keep-cwd", 0, "high", _RIGHTS),
    "gosu": Prefix("", "", 1, "high", _RIGHTS),
    "su-exec": Prefix("", "", 1, "high", _RIGHTS),
    "setpriv": Prefix("--reuid --regid --groups --inh-caps", "--clear-groups --no-new-privs", 0, "high", _RIGHTS),
    "fakeroot": Prefix("-l -i -s", "-u -b", 0, "medium", "runs it in a pretended root"),
    "chroot": Prefix("--userspec --groups", "--skip-chdir", 1, "high", _MACHINE),
    "unshare": Prefix(
        "-S -G -R -w", "-r -n -m -p -f -u -i -U -C --fork --net --map-root-user --user --pid", 0, "high", _MACHINE
    ),
    "nsenter": Prefix("-t -S -G --target", "-m -u -i -n -p -a -U -C", 0, "high", _MACHINE),
    "systemd-run": Prefix(
        "-p -u --unit --uid -t --on-active", "--user --scope --pty -q --wait --collect", 0, "high", _MACHINE
    ),
    "proot": Prefix("-r -b -w -q", "-0 -S", 0, "high", _MACHINE),
    "prlimit": Prefix("-p", "", 0),
    "xvfb-run": Prefix("-n -e -s -f -w --server-num --server-args", "-a --auto-servernum -d"),
    "dbus-run-session": Prefix("--config-file", "--"),
    "dbus-launch": Prefix("", "--exit-with-session"),
    "strace": Prefix(
        "-e -o -p -s -u -P -a -b -E -I -O -S -X",
        "-f -ff -t -tt -ttt -T -y -c -C -v -q -k -r -i",
        0,
        "high",
        "looks into the program",
    ),
    "ltrace": Prefix("-e -o -p -s -u -l -n -a", "-f -S -c -t -T -i -r", 0, "high", "looks into the program"),
    "valgrind": Prefix("", "-q -v", 0, "medium", "looks into the program"),
    "coproc": Prefix("", "", 0, "medium", "runs it beside the shell"),
    "torsocks": Prefix("", "", 0, "high", "uses the network"),
    "proxychains": Prefix("-f", "-q", 0, "high", "uses the network"),
    "proxychains4": Prefix("-f", "-q", 0, "high", "uses the network"),
    "sshpass": Prefix("-p -f -d -P", "-e -v", 0, "high", "hands over a password"),
    "bundle+exec": Prefix("", "--keep-file-descriptors"),
    "cmake+-E": Prefix("", "", 0),
    "poetry+run": Prefix(),
    "pipenv+run": Prefix(),
    "pdm+run": Prefix("-p -s"),
    "rye+run": Prefix(),
    "hatch+run": Prefix(),
    "uv+run": Prefix(
        "--with --python -p --extra --group --project --directory --env-file --index-url --only-group",
        "--no-sync --frozen --locked --isolated --no-project --all-extras --dev --no-dev -q --quiet --offline",
    ),
    "conda+run": Prefix("-n -p --name --prefix --cwd", "--no-capture-output -v --live-stream"),
    "mamba+run": Prefix("-n -p --name --prefix", ""),
    "micromamba+run": Prefix("-n -p", ""),
    "pixi+run": Prefix("-e --environment", "--frozen --locked"),
    "rustup+run": Prefix("", "--install", 1),
    "direnv+exec": Prefix("", "", 1, "high", "loads the environment of a folder"),
    "dotenv": Prefix("-e -f", "-- --override"),
    "nvm+exec": Prefix("", "--silent", 1),
    "asdf+exec": Prefix(),
    "mise+exec": Prefix("", "--", 1),
    "op+run": Prefix("--env-file", "--no-masking --", 0, "high", "hands out secrets"),
    "doppler+run": Prefix("-p -c", "--", 0, "high", "hands out secrets"),
    "cross-env": Prefix(),
    "env-cmd": Prefix("-f -e", ""),
    "pnpm+exec": Prefix("", "-r"),
    "yarn+exec": Prefix(),
    "npm+exec": Prefix("", "--no -y --yes --offline --"),
    "bun+x": Prefix("", "--bun"),
    "npx": Prefix("", "--no --no-install --offline -q --quiet"),
    "bunx": Prefix("", "--bun"),
    "pnpx": Prefix(),
    "uvx": Prefix("--python -p", "--offline -q"),
    "pipx+run": Prefix("", ""),
    "yarn+dlx": Prefix("", "-q"),
    "pnpm+dlx": Prefix(),
}

FETCHERS = frozenset({"npx", "bunx", "pnpx", "uvx", "pipx+run", "yarn+dlx", "pnpm+dlx", "npm+exec", "bun+x"})
"""They fetch the program where it is not there: only those that a project usually has are run as if they were."""
KNOWN_PACKAGES = frozenset(
    named(
        "tsc eslint prettier jest vitest mocha ava nyc c8 tsx ts-node ruff black mypy pyright pytest isort "
        "flake8 pylint biome stylelint webpack vite rollup esbuild next nuxt playwright cypress turbo nx "
        "lerna tailwindcss postcss babel swc markdownlint markdownlint-cli2 knip depcheck madge commitlint "
        "oxlint dprint typedoc karma tap basedpyright ty tox nox pre-commit codespell taplo sphinx-build "
        "mkdocs hatch pyupgrade autoflake vulture bandit deptry rimraf cspell"
    )
)
