/** What only the editor knows of starting the server: its settings, the Python extension's choice, showing progress. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { wished } from "../settings";
import { installEnvironment } from "./environment";
import { findWheel, Installations, type Installer } from "./installation";
import { launch, type Launch, type Wish } from "./launching";
import { candidates, probe, shown, unfit, type Machine } from "./pythons";
import { run } from "./run";

const PYTHON_EXTENSION = "ms-python.python";
const PYTHON_EXTENSION_LIMIT_MS = 5_000;

interface Choice {
  readonly label: string;
  readonly description: string;
}

export class Starter {
  private installations: Installations | undefined;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: (line: string) => void,
  ) {}

  /** Finds, or makes, what the server is started with. Rejects with a `StartFailure`. */
  async launch(): Promise<Launch> {
    const wheel = await findWheel(this.context.asAbsolutePath("server"));
    const root = vscode.Uri.joinPath(this.context.globalStorageUri, "server").fsPath;
    this.installations = wheel && new Installations(root, wheel);
    return launch(this.wish(), {
      machine: machine(),
      version: (this.context.extension.packageJSON as { version: string }).version,
      installations: this.installations,
      run,
      env: installEnvironment(process.env),
      uv: uv(),
      preferred,
      installing: (work) => this.installing(work),
      log: this.log,
    });
  }

  /** Its server does not start: it is made anew the next time. */
  async distrust(started: Launch): Promise<void> {
    if (started.environment !== undefined) await this.installations?.distrust(started.environment);
  }

  /** Its server runs: it is kept, and those that nobody uses go. */
  async use(started: Launch): Promise<void> {
    if (started.environment !== undefined) await this.installations?.use(started.environment);
  }

  /** Lets the person choose an interpreter and keeps the choice in the settings; undefined: they thought better of it. */
  async choose(): Promise<"changed" | "as before" | undefined> {
    const browse: Choice = { label: "$(folder) Browse…", description: "" };
    const automatic: Choice = { label: "$(sync) Automatic", description: "the first that is found" };
    const picked = await vscode.window.showQuickPick<Choice>(
      found().then((pythons): Choice[] => [...pythons, browse, automatic]),
      { title: "Python for the Copydesk server", placeHolder: "3.11 or newer" },
    );
    if (picked === undefined) return undefined;
    let interpreter: string | undefined = picked === automatic ? undefined : picked.label;
    if (picked === browse) {
      const [file] =
        (await vscode.window.showOpenDialog({ title: "Python 3.11 or newer", canSelectMany: false })) ?? [];
      if (file === undefined) return undefined;
      interpreter = file.fsPath;
    }
    const settings = vscode.workspace.getConfiguration("copydesk");
    if (settings.inspect("server.interpreter")?.globalValue === interpreter) return "as before";
    await settings.update("server.interpreter", interpreter, vscode.ConfigurationTarget.Global);
    return "changed";
  }

  private wish(): Wish {
    const settings = vscode.workspace.getConfiguration("copydesk");
    const wish = wished((key) => settings.inspect(key));
    return { command: wish.command, interpreter: wish.interpreter.replace(/^~(?=[/\\])/, homedir()) };
  }

  private async installing<T>(work: (installer: Installer) => Promise<T>): Promise<T> {
    const options = { location: vscode.ProgressLocation.Notification, title: "Copydesk", cancellable: true };
    return vscode.window.withProgress(options, async (progress, token) => {
      const stop = new AbortController();
      token.onCancellationRequested(() => {
        stop.abort();
      });
      return work({
        run,
        env: installEnvironment(process.env),
        signal: stop.signal,
        platform: process.platform,
        uv: uv(),
        say: (message) => {
          progress.report({ message });
        },
        log: this.log,
      });
    });
  }
}

function machine(): Machine {
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  return {
    platform: process.platform,
    env: process.env,
    home: homedir(),
    exists: existsSync,
    real: (folder) => {
      try {
        return realpathSync(folder);
      } catch {
        return folder;
      }
    },
    list: (folder) => {
      try {
        return readdirSync(folder);
      } catch {
        return [];
      }
    },
    distrusted: vscode.workspace.isTrusted ? [] : folders,
  };
}

/** Every fit Python of this machine, for the person to choose from. */
async function found(): Promise<Choice[]> {
  const env = installEnvironment(process.env);
  const fit: Choice[] = [];
  const seen = new Set<string>();
  for (const candidate of candidates(machine(), await preferred())) {
    const python = await probe(candidate.command, run, env);
    if (typeof python === "string" || unfit(python, uv() !== undefined) !== "") continue;
    // Many names lead to one Python; a virtual environment is one of its own.
    const key = python.base === python.executable ? realpathSync(python.executable) : python.executable;
    if (seen.has(key)) continue;
    seen.add(key);
    fit.push({ label: python.executable, description: `${shown(python)}, ${candidate.origin}` });
  }
  return fit;
}

function uv(): string | undefined {
  const name = process.platform === "win32" ? "uv.exe" : "uv";
  const folders = (process.env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  return folders.map((folder) => path.join(folder, name)).find(existsSync);
}

/** The part of the Python extension's interface that is used here. */
interface PythonExtension {
  readonly environments: {
    getActiveEnvironmentPath(): { readonly path: string };
    resolveEnvironment(place: { readonly path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
  };
}

/** The interpreter chosen in the Python extension. Of a workspace that is not trusted it is not even asked. */
async function preferred(): Promise<readonly string[]> {
  const extension = vscode.extensions.getExtension<PythonExtension>(PYTHON_EXTENSION);
  if (extension === undefined || !vscode.workspace.isTrusted) return [];
  const asked = (async () => {
    const { environments } = await extension.activate();
    const resolved = await environments.resolveEnvironment(environments.getActiveEnvironmentPath());
    return resolved?.executable.uri?.fsPath;
  })().catch(() => undefined);
  const late = new Promise<undefined>((resolve) => {
    setTimeout(() => {
      resolve(undefined);
    }, PYTHON_EXTENSION_LIMIT_MS);
  });
  const file = await Promise.race([asked, late]);
  return file === undefined ? [] : [file];
}
