/**
 * The variables that children are started with.
 *
 * PYTHONHOME breaks every Python but one. The other PYTHON… variables are kept, because what the agent runs for the
 * person may need them; the server itself is started with `-E`, which ignores them.
 */

export type Environment = Record<string, string>;

export function childEnvironment(own: NodeJS.ProcessEnv, keys: Readonly<Environment> = {}): Environment {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !isForeign(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...keys };
}

/** Of the editor's own process, or of another Python. */
function isForeign(name: string): boolean {
  const upper = name.toUpperCase();
  return (
    upper === "PYTHONHOME" ||
    upper === "PYTHONEXECUTABLE" ||
    upper === "__PYVENV_LAUNCHER__" ||
    upper.startsWith("ELECTRON_") ||
    upper.startsWith("VSCODE_")
  );
}

/** For installing: with nothing that leads another Python's modules, or pip, to another place. pip's index stays. */
export function installEnvironment(own: NodeJS.ProcessEnv): Environment {
  const places = new Set(["PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "VIRTUAL_ENV"]);
  const kept = Object.entries(childEnvironment(own)).filter(
    ([name]) => !name.toUpperCase().startsWith("PYTHON") && !places.has(name.toUpperCase()),
  );
  return { ...Object.fromEntries(kept), PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" };
}
