/**
 * From settings and machine to the command that starts the server: a command of the person's, an interpreter of the
 * person's, or an environment of our own. Knows no editor; `start/index.ts` tells it what the editor knows.
 */
import { StartFailure } from "./failure";
import type { Installations, Installer } from "./installation";
import type { Run } from "./run";
import { candidates, isCompatible, probe, shown, unfit, type Machine, type Python } from "./pythons";

/** `-E -P -s`: neither variables, nor the working directory, nor the person's own packages put modules before ours. */
const SERVE = ["-E", "-P", "-s", "-X", "utf8", "-m", "copydesk", "serve"];

export interface Wish {
  readonly command: readonly string[];
  readonly interpreter: string;
}

export interface Launch {
  readonly command: readonly string[];
  /** The environment of our own that it runs in. */
  readonly environment?: string;
}

export interface Place {
  readonly machine: Machine;
  readonly version: string;
  /** undefined: this copy of the extension brings no server along. */
  readonly installations: Installations | undefined;
  readonly run: Run;
  readonly env: NodeJS.ProcessEnv;
  /** uv, which can install for a Python without a pip. */
  readonly uv: string | undefined;
  /** The Python extension's choice; asked only when it matters. */
  readonly preferred: () => Promise<readonly string[]>;
  /** Shows progress while it runs. */
  readonly installing: <T>(work: (installer: Installer) => Promise<T>) => Promise<T>;
  readonly log: (line: string) => void;
}

export async function launch(wish: Wish, place: Place): Promise<Launch> {
  if (wish.command.length > 0) return { command: wish.command };
  const { installations } = place;
  // A second start is here at once: nothing is looked for, nothing is run.
  const ready = await installations?.find(wish.interpreter);
  if (ready !== undefined) return ours(ready);
  if (wish.interpreter !== "") return withInterpreter(wish.interpreter, place);
  if (installations === undefined) throw new StartFailure(NO_SERVER, ["log", "choose", "settings"]);
  return place.installing(async (installer) => {
    const python = await findPython(place, installer);
    return ours(await installations.make("", python, installer));
  });
}

const NO_SERVER =
  "This copy of the Copydesk extension brings no server along. Set copydesk.server.interpreter to a Python that has " +
  "`copydesk` installed, or copydesk.server.command.";

function ours(python: string): Launch {
  return { command: [python, ...SERVE], environment: python };
}

async function withInterpreter(interpreter: string, place: Place): Promise<Launch> {
  const { installations } = place;
  const python = await probe([interpreter], place.run, place.env);
  if (typeof python === "string") {
    throw new StartFailure(`copydesk.server.interpreter cannot be used: ${interpreter}: ${python}.`);
  }
  if (isCompatible(python.copydesk, place.version)) {
    place.log(`Using copydesk ${python.copydesk} of ${python.executable}.`);
    return { command: [interpreter, ...SERVE] };
  }
  const problem = unfit(python, place.uv !== undefined);
  if (problem !== "") throw new StartFailure(`copydesk.server.interpreter cannot be used: ${interpreter}: ${problem}.`);
  if (installations === undefined) throw new StartFailure(NO_SERVER, ["log", "choose", "settings"]);
  return place.installing(async (installer) => ours(await installations.make(interpreter, python, installer)));
}

async function findPython(place: Place, installer: Installer): Promise<Python> {
  installer.say("Looking for a Python");
  const looked: string[] = [];
  for (const candidate of candidates(place.machine, await place.preferred())) {
    const python = await probe(candidate.command, installer.run, installer.env, installer.signal);
    const problem = typeof python === "string" ? python : unfit(python, place.uv !== undefined);
    if (typeof python !== "string" && problem === "") {
      place.log(`Using ${shown(python)}, ${candidate.origin}: ${python.executable}`);
      return python;
    }
    looked.push(`${candidate.command.join(" ")}: ${problem}`);
    place.log(`Not using ${looked.at(-1) ?? ""}`);
    installer.signal.throwIfAborted();
  }
  const first = looked[0];
  throw new StartFailure(
    "Copydesk needs Python 3.11 or newer, and none was found. Install one (python.org, your system's packages, or " +
      "`uv python install`) and try again, or choose an interpreter." +
      (first === undefined ? "" : ` Looked at ${looked.length}, such as ${first}.`),
  );
}
