/** Which settings go to the server: those a person set, and of those only what may come from where it was set. */

/** What `WorkspaceConfiguration.inspect` tells of one setting. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

export type Inspect = (key: string) => Inspected | undefined;

/** One setting of the manifest, without the `copydesk.` before it. */
export interface Declared {
  readonly key: string;
  /** Never taken from a workspace, which may come from anybody. VS Code sees to that too. */
  readonly machine: boolean;
}

const OWN = new Set(["server.command", "server.interpreter", "trace.server"]);

/** Every setting that the manifest declares. */
export function declared(manifest: unknown): Declared[] {
  const { contributes } = manifest as {
    contributes: { configuration: { properties: Record<string, { scope?: string }> }[] };
  };
  return contributes.configuration.flatMap(({ properties }) =>
    Object.entries(properties).map(([name, { scope }]) => ({
      key: name.replace(/^copydesk\./, ""),
      machine: scope === "machine",
    })),
  );
}

/** What the person set, with dotted names. Defaults are the server's business, and so is what the values mean. */
export function chosen(settings: readonly Declared[], inspect: Inspect): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { key, machine } of settings) {
    if (OWN.has(key)) continue;
    const value = valueOf(inspect(key), machine);
    if (value !== undefined && value !== null) found[key] = value;
  }
  return found;
}

function valueOf(inspected: Inspected | undefined, machine: boolean): unknown {
  if (machine) return inspected?.globalValue;
  return inspected?.workspaceFolderValue ?? inspected?.workspaceValue ?? inspected?.globalValue;
}

/** The person's wish how to start the server; anything of a wrong type is none. */
export function wished(inspect: Inspect): { command: readonly string[]; interpreter: string } {
  const command = inspect("server.command")?.globalValue;
  const interpreter = inspect("server.interpreter")?.globalValue;
  return {
    command: Array.isArray(command) && command.every((part) => typeof part === "string") ? command : [],
    interpreter: typeof interpreter === "string" ? interpreter.trim() : "",
  };
}
