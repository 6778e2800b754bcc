/**
 * Which Python may run the server: where to look, in which order, and what each one says of itself.
 *
 * Knows no editor. Start with `candidates`, then `probe` and `unfit`.
 */
import * as path from "node:path";
import type { Run } from "./run";

export const OLDEST = [3, 11] as const;
const NEWEST_NAMED = 14;
const PROBE_LIMIT_MS = 15_000;

/** A command that may be a Python, and where it was found. */
export interface Candidate {
  readonly command: readonly string[];
  readonly origin: string;
}

/** What a Python says of itself. `base` is the interpreter under a virtual environment. */
export interface Python {
  readonly executable: string;
  readonly base: string;
  readonly version: readonly [number, number, number];
  readonly implementation: string;
  /** Version of its pip; empty: none. */
  readonly pip: string;
  readonly ensurepip: boolean;
  readonly venv: boolean;
  /** Version of an installed copydesk; empty: none. */
  readonly copydesk: string;
}

/** The machine as far as it matters here; `exists` and `list` stand for the disk. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly exists: (file: string) => boolean;
  readonly list: (folder: string) => readonly string[];
  /** A folder's real path: /bin is often /usr/bin. */
  readonly real: (folder: string) => string;
  /** Folders whose programs are not run: those of a workspace that is not trusted. */
  readonly distrusted: readonly string[];
}

/** Every place to look, best first, each program once. `preferred` are whole paths: the Python extension's choice. */
export function candidates(machine: Machine, preferred: readonly string[] = []): Candidate[] {
  const found: Candidate[] = preferred.map((file) => ({ command: [file], origin: "the Python extension's choice" }));
  const folders = searchPath(machine);
  for (const name of names(machine.platform)) {
    for (const folder of folders) {
      const file = join(machine, folder, name);
      if (machine.exists(file)) found.push({ command: [file], origin: "on the PATH" });
    }
  }
  if (machine.platform === "win32") {
    for (const folder of folders) {
      const launcher = join(machine, folder, "py.exe");
      if (machine.exists(launcher)) found.push({ command: [launcher, "-3"], origin: "the Python launcher" });
    }
  }
  found.push(...installed(machine));
  return unique(found.filter((one) => isAllowed(machine, one.command[0] ?? "")));
}

function names(platform: NodeJS.Platform): string[] {
  if (platform === "win32") return ["python.exe", "python3.exe"];
  const named: string[] = [];
  for (let minor = NEWEST_NAMED; minor >= OLDEST[1]; minor--) named.push(`python3.${minor}`);
  return [...named, "python3", "python"];
}

/** Folders of the PATH; relative ones would lead into whatever the working directory is. */
function searchPath(machine: Machine): string[] {
  const windows = machine.platform === "win32";
  const raw = machine.env.PATH ?? machine.env.Path ?? "";
  const named = raw.split(windows ? ";" : ":").filter((folder) => flavour(machine).isAbsolute(folder));
  // An editor started from a desktop often has a shorter PATH than a shell.
  const usual = windows ? [] : ["/opt/homebrew/bin", "/usr/local/bin", "/usr/bin", `${machine.home}/.local/bin`];
  return [...new Map([...named, ...usual].map((folder) => [machine.real(folder), folder])).values()];
}

/** Pythons that version tools keep: pyenv, uv, and the installer from python.org. Newest first. */
function installed(machine: Machine): Candidate[] {
  const { env, home, platform } = machine;
  const windows = platform === "win32";
  const local = env.LOCALAPPDATA ?? join(machine, home, "AppData", "Local");
  const roots: [string, string, string[]][] = windows
    ? [
        ["pyenv", join(machine, home, ".pyenv", "pyenv-win", "versions"), ["python.exe"]],
        ["uv", join(machine, env.APPDATA ?? home, "uv", "python"), ["python.exe"]],
        ["python.org", join(machine, local, "Programs", "Python"), ["python.exe"]],
      ]
    : [
        ["pyenv", join(machine, env.PYENV_ROOT ?? join(machine, home, ".pyenv"), "versions"), ["bin", "python3"]],
        [
          "uv",
          join(machine, env.XDG_DATA_HOME ?? join(machine, home, ".local", "share"), "uv", "python"),
          ["bin", "python3"],
        ],
        ["python.org", "/Library/Frameworks/Python.framework/Versions", ["bin", "python3"]],
      ];
  return roots.flatMap(([origin, root, inside]) =>
    [...machine.list(root)]
      .sort((one, other) => other.localeCompare(one, "en", { numeric: true }))
      .map((name) => join(machine, root, name, ...inside))
      .filter(machine.exists)
      .map((file) => ({ command: [file], origin })),
  );
}

function isAllowed(machine: Machine, file: string): boolean {
  // On a Mac without the developer tools this one opens a dialog, and with them it is 3.9.
  if (machine.platform === "darwin" && file.startsWith("/usr/bin/")) return false;
  return !machine.distrusted.some((folder) => {
    const way = flavour(machine).relative(folder, file);
    return !way.startsWith("..") && !flavour(machine).isAbsolute(way);
  });
}

function unique(found: readonly Candidate[]): Candidate[] {
  const seen = new Set<string>();
  return found.filter((one) => {
    const key = one.command.join("\0");
    return !seen.has(key) && seen.add(key);
  });
}

function flavour(machine: Machine): path.PlatformPath {
  return machine.platform === "win32" ? path.win32 : path.posix;
}

function join(machine: Machine, ...parts: string[]): string {
  return flavour(machine).join(...parts);
}

// --- what a Python says ---

const QUESTION = `
import json, sys
from importlib.util import find_spec
def version(name):
    try:
        from importlib.metadata import version
        return version(name)
    except Exception:
        return ""
print(json.dumps({
    "executable": sys.executable, "base": getattr(sys, "_base_executable", "") or sys.executable,
    "version": list(sys.version_info[:3]), "implementation": sys.implementation.name,
    "pip": version("pip"), "ensurepip": find_spec("ensurepip") is not None, "venv": find_spec("venv") is not None,
    "copydesk": version("copydesk")}))
`;

/** What this Python says of itself, or why it is none. Isolated: nobody's variables or modules can change the answer. */
export async function probe(
  command: readonly string[],
  run: Run,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Python | string> {
  const ran = await run([...command, "-I", "-c", QUESTION], { env, limitMs: PROBE_LIMIT_MS, signal });
  if (ran.code !== 0) return lastLine(ran.stderr) || "it does not run";
  const line = ran.stdout.trim().split("\n").at(-1) ?? "";
  try {
    return parseAnswer(JSON.parse(line));
  } catch {
    return "it does not answer as a Python does";
  }
}

export function parseAnswer(raw: unknown): Python {
  const said = raw as Record<string, unknown>;
  const numbers = said.version as unknown[];
  const [major, minor, micro] = numbers.map(Number);
  if (major === undefined || minor === undefined || micro === undefined) throw new Error("no version");
  const text = (key: string): string => (typeof said[key] === "string" ? said[key] : "");
  return {
    executable: text("executable"),
    base: text("base") || text("executable"),
    version: [major, minor, micro],
    implementation: text("implementation"),
    pip: text("pip"),
    ensurepip: said.ensurepip === true,
    venv: said.venv === true,
    copydesk: text("copydesk"),
  };
}

/** Why the server cannot be installed with this Python; empty: it can. */
export function unfit(python: Python, hasUv: boolean): string {
  const [major, minor] = python.version;
  if (compare([major, minor], OLDEST) < 0) return `it is ${shown(python)}; Copydesk needs ${OLDEST.join(".")} or newer`;
  if (python.implementation !== "cpython") return `it is ${python.implementation}, not CPython`;
  if (!python.venv) return "it has no `venv` (on Debian and Ubuntu: `apt install python3-venv`)";
  if (!hasUv && !canInstall(python)) {
    return "it has neither `pip` nor `ensurepip` (on Debian and Ubuntu: `apt install python3-venv`)";
  }
  return "";
}

/** Whether its own pip can install into another environment (`--python`, since 22.3), or can make one that can. */
export function canInstall(python: Python): boolean {
  return hasNewPip(python) || python.ensurepip;
}

export function hasNewPip(python: Python): boolean {
  return python.pip !== "" && compare(parseVersion(python.pip), [22, 3]) >= 0;
}

/** Whether an installed server is one this extension can talk to: the same major and minor version. */
export function isCompatible(installed: string, wanted: string): boolean {
  if (installed === "") return false;
  const [major, minor] = parseVersion(wanted);
  return compare(parseVersion(installed).slice(0, 2), [major ?? 0, minor ?? 0]) === 0;
}

export function shown(python: Python): string {
  return `Python ${python.version.join(".")}`;
}

/** The leading numbers of a version: "3.12.0rc1" is 3, 12, 0. */
export function parseVersion(text: string): number[] {
  const numbers = /^\D*(\d+(?:\.\d+)*)/.exec(text)?.[1];
  return numbers === undefined ? [] : numbers.split(".").map(Number);
}

export function compare(one: readonly number[], other: readonly number[]): number {
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const difference = (one[index] ?? 0) - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
