/**
 * The server's own virtual environments, one for each wheel and Python, under one folder.
 *
 * An environment counts only with its marker, which is written last: what has none was never finished, and is made
 * anew. Finding one that is there costs two looks at the disk and starts no process. Knows no editor.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import * as fs from "node:fs/promises";
import * as path from "node:path";
import { Cancelled, StartFailure } from "./failure";
import { isAlive, lock } from "./lock";
import { canInstall, hasNewPip, lastLine, shown, type Python } from "./pythons";
import type { Ran, Run } from "./run";

const MAKE_LIMIT_MS = 120_000;
const INSTALL_LIMIT_MS = 900_000;
const NEW_MS = 60_000;
const MARKER = "ready.json";
const USERS = "users";

/** The server that the extension brings along. `constraints` pins what it was tested with. */
export interface Wheel {
  readonly file: string;
  readonly constraints: string;
  readonly version: string;
  /** Names this very wheel: two builds of one version are two environments. */
  readonly id: string;
}

interface Marker {
  /** What the person asked for: an interpreter's path, or empty for the first that is found. */
  readonly asked: string;
  readonly python: string;
  readonly base: string;
}

export interface Installer {
  readonly run: Run;
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly platform: NodeJS.Platform;
  /** uv on the PATH, for a Python that has no pip of its own. */
  readonly uv: string | undefined;
  readonly say: (step: string) => void;
  readonly log: (line: string) => void;
}

export async function findWheel(folder: string): Promise<Wheel | undefined> {
  const names = await fs.readdir(folder).catch(() => []);
  const name = names.find((one) => /^copydesk-.*\.whl$/.test(one));
  if (name === undefined) return undefined;
  const file = path.join(folder, name);
  const version = name.split("-")[1] ?? "";
  const hash = createHash("sha256").update(await fs.readFile(file));
  return {
    file,
    constraints: path.join(folder, "constraints.txt"),
    version,
    id: `${version}-${hash.digest("hex").slice(0, 8)}`,
  };
}

export class Installations {
  constructor(
    private readonly root: string,
    private readonly wheel: Wheel,
  ) {}

  /** The Python of an environment that is ready for this wheel and this wish; starts no process. */
  async find(asked: string): Promise<string | undefined> {
    for (const name of await this.folders()) {
      if (!name.startsWith(`${this.wheel.id}-`)) continue;
      const marker = await this.marker(name);
      // The base goes when a Python is removed; the environment's own link to it then leads nowhere.
      if (marker?.asked === asked && existsSync(marker.python) && existsSync(marker.base)) return marker.python;
    }
    return undefined;
  }

  /** Makes the environment, unless another window has made it meanwhile; its Python. */
  async make(asked: string, python: Python, installer: Installer): Promise<string> {
    await fs.mkdir(this.root, { recursive: true });
    const held = await lock(path.join(this.root, "lock"), installer.signal, () => {
      installer.say("Waiting for another window that installs the server");
    }).catch((error: unknown) => {
      throw installer.signal.aborted ? new Cancelled() : error;
    });
    try {
      return (await this.find(asked)) ?? (await this.makeLocked(asked, python, installer));
    } finally {
      await held.release();
    }
  }

  /** Forgets that an environment is ready: its server does not start. */
  async distrust(python: string): Promise<void> {
    const folder = this.folderOf(python);
    if (folder !== undefined) await fs.rm(path.join(folder, MARKER), { force: true });
  }

  /** Notes that this process uses the environment, then removes those that no living process uses. */
  async use(python: string): Promise<void> {
    const own = this.folderOf(python);
    if (own === undefined) return;
    await fs.mkdir(path.join(own, USERS), { recursive: true });
    await fs.writeFile(path.join(own, USERS, String(process.pid)), "");
    for (const name of await this.folders()) {
      const folder = path.join(this.root, name);
      if (folder !== own && !(await isUsed(folder))) await this.removeIfIdle(folder);
    }
  }

  private async removeIfIdle(folder: string): Promise<void> {
    if (existsSync(path.join(this.root, "lock"))) return; // it may be the one that is just being made
    await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }

  private async makeLocked(asked: string, python: Python, installer: Installer): Promise<string> {
    const name = `${this.wheel.id}-py${python.version[0]}.${python.version[1]}-${short(asked + "\0" + python.base)}`;
    const folder = path.join(this.root, name);
    await fs.rm(folder, { recursive: true, force: true });
    try {
      installer.say(`Making an environment with ${shown(python)}`);
      const made = await make(folder, python, installer);
      await install(made, python, this.wheel, installer);
      const marker: Marker = { asked, python: made, base: python.base };
      await fs.writeFile(path.join(folder, `${MARKER}.new`), JSON.stringify(marker, null, 2));
      await fs.rename(path.join(folder, `${MARKER}.new`), path.join(folder, MARKER));
      return made;
    } catch (error) {
      await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
      throw error;
    }
  }

  private folderOf(python: string): string | undefined {
    const way = path.relative(this.root, python).split(path.sep)[0];
    return way === undefined || way === "" || way === ".." ? undefined : path.join(this.root, way);
  }

  private async folders(): Promise<string[]> {
    const entries = await fs.readdir(this.root, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  }

  private async marker(name: string): Promise<Marker | undefined> {
    try {
      return JSON.parse(await fs.readFile(path.join(this.root, name, MARKER), "utf-8")) as Marker;
    } catch {
      return undefined;
    }
  }
}

/** By a living process, or so new that its window has not said so yet. */
async function isUsed(folder: string): Promise<boolean> {
  const marked = await fs.stat(path.join(folder, MARKER)).catch(() => undefined);
  if (marked !== undefined && Date.now() - marked.mtimeMs < NEW_MS) return true;
  const users = await fs.readdir(path.join(folder, USERS)).catch(() => []);
  return users.some((pid) => isAlive(Number(pid)));
}

// --- the three steps ---

/** An environment without pip of its own: making pip's copy takes longer than everything else together. */
async function make(folder: string, python: Python, installer: Installer): Promise<string> {
  const command = [python.base, "-I", "-m", "venv", "--without-pip", folder];
  const ran = await step(command, MAKE_LIMIT_MS, installer);
  if (ran.code !== 0) {
    throw new StartFailure(
      `An environment for the Copydesk server could not be made with ${shown(python)} (${python.base}): ${reason(ran)}.`,
    );
  }
  return path.join(folder, ...(installer.platform === "win32" ? ["Scripts", "python.exe"] : ["bin", "python"]));
}

async function install(made: string, python: Python, wheel: Wheel, installer: Installer): Promise<void> {
  const pip = await installCommand(made, python, installer);
  installer.say("Installing the server");
  const onLine = (line: string): void => {
    const name = /^(?:Collecting|Downloading|Using cached) ([A-Za-z][\w.-]*?)(?:[<>=!~;-]|$)/.exec(line.trim())?.[1];
    if (name !== undefined) installer.say(`Installing the server: ${name}`);
  };
  const pinned = existsSync(wheel.constraints) ? [...pip, "--constraint", wheel.constraints, wheel.file] : undefined;
  let ran = pinned && (await step(pinned, INSTALL_LIMIT_MS, installer, onLine));
  if (ran !== undefined && ran.code !== 0 && !installer.signal.aborted) {
    installer.log("The tested versions cannot be had here; taking those that can be.");
  }
  if (ran?.code !== 0) ran = await step([...pip, wheel.file], INSTALL_LIMIT_MS, installer, onLine);
  if (ran.code !== 0) {
    throw new StartFailure(
      `The Copydesk server could not be installed with ${shown(python)}: ${reason(ran)}. ` +
        "It needs a few packages from the Python Package Index, or from the index that pip is configured for.",
    );
  }
}

/** The Python's own pip, else uv, else a pip made in the environment. uv is not first: it knows no pip configuration. */
async function installCommand(made: string, python: Python, installer: Installer): Promise<string[]> {
  const options = [
    "--no-compile",
    "--no-user",
    "--prefer-binary",
    "--progress-bar",
    "off",
    "--no-warn-script-location",
  ];
  if (hasNewPip(python)) return [python.base, "-I", "-m", "pip", "--python", made, "install", ...options];
  if (!canInstall(python) && installer.uv !== undefined) return [installer.uv, "pip", "install", "--python", made];
  installer.say("Making pip");
  const ran = await step([made, "-I", "-m", "ensurepip", "--default-pip"], MAKE_LIMIT_MS, installer);
  if (ran.code !== 0) throw new StartFailure(`pip could not be made with ${shown(python)}: ${reason(ran)}.`);
  return [made, "-I", "-m", "pip", "install", ...options];
}

async function step(
  command: readonly string[],
  limitMs: number,
  installer: Installer,
  onLine?: (line: string) => void,
): Promise<Ran> {
  const began = performance.now();
  installer.log(`$ ${command.join(" ")}`);
  const ran = await installer.run(command, {
    env: installer.env,
    limitMs,
    signal: installer.signal,
    onLine: (line) => {
      installer.log(`  ${line}`);
      onLine?.(line);
    },
  });
  if (installer.signal.aborted) throw new Cancelled();
  installer.log(`  ended with ${ran.code ?? "no code"} after ${Math.round(performance.now() - began)} ms`);
  return ran;
}

/** pip's own error if there is one, else the last thing said. */
function reason(ran: Ran): string {
  const errors = ran.stderr.split("\n").filter((line) => line.startsWith("ERROR:"));
  const said = errors[0]?.slice("ERROR:".length).trim() ?? (lastLine(ran.stderr) || lastLine(ran.stdout));
  return said.replace(/\.$/, "") || "it ended without a word";
}

function short(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
