/** Puts the parts together when a window starts, and takes them apart when it ends. */
import * as vscode from "vscode";
import { Channel } from "./channel";
import { Commands } from "./commands";
import { ContextKeys } from "./context";
import { Keys } from "./keys";
import { chosen, declared } from "./settings";
import { Starter } from "./start";
import type { Remedy, StartFailure } from "./start/failure";
import { Supervisor } from "./supervisor";
import { activateViews, palette } from "./views";

const RESTARTS = ["copydesk.server.command", "copydesk.server.interpreter"];
const REMEDIES: Readonly<Record<Remedy, string>> = {
  log: "Show Log",
  retry: "Try Again",
  choose: "Choose Interpreter…",
  settings: "Open Settings",
};

let running: Supervisor | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const output = vscode.window.createOutputChannel("Copydesk", { log: true });
  const channel = new Channel(output);
  const manifest: unknown = context.extension.packageJSON;
  const settings = declared(manifest);
  const keys = new Keys(context.secrets);
  const starter = new Starter(context, (line) => {
    channel.log.info(line);
  });
  const own = (scope: vscode.Uri | undefined): Record<string, unknown> => {
    const configuration = vscode.workspace.getConfiguration("copydesk", scope);
    return chosen(settings, (key) => configuration.inspect(key));
  };
  const server = new Supervisor(starter, keys, channel, own, (failure) => void offer(failure));
  running = server;

  const { remedies, offer } = help(server, starter, output);

  const commands = new Commands(server, palette, (failure) => void offer(failure));
  commands.register(serverCommands(manifest));
  context.subscriptions.push(
    output,
    commands,
    new ContextKeys(server),
    // Views register what they answer before the server is told what is answered.
    activateViews(server, context, channel.log),
    server.onDidChangeState((state) => {
      if (state === "running") commands.register(server.commands);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("copydesk")) return;
      channel.traceChanged();
      server.configure();
      if (RESTARTS.some((key) => event.affectsConfiguration(key)))
        void offerRestart(server, "How the server is started has changed.");
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      server.configure();
    }),
    command("showLog", remedies.log),
    command("restart", remedies.retry),
    command("chooseInterpreter", remedies.choose),
    command("setKey", async (provider) => {
      const label = await keys.set(provider);
      if (label !== undefined) await offerRestart(server, `The key for ${label} is stored.`);
    }),
    command("clearKey", async () => {
      const label = await keys.clear();
      if (label !== undefined) await offerRestart(server, `The key for ${label} is forgotten.`);
    }),
    command("openWalkthrough", () =>
      vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`),
    ),
  );
  void server.start();
}

type Help = (failure: StartFailure) => Promise<void>;

/** What a person can do about a server that does not run, and the message that offers it. */
function help(server: Supervisor, starter: Starter, output: vscode.LogOutputChannel) {
  const remedies: Readonly<Record<Remedy, () => unknown>> = {
    log: () => {
      output.show();
    },
    retry: () => server.restart(),
    choose: async () => {
      // A change restarts by itself, as any change of that setting does.
      if ((await starter.choose()) === "as before") await server.restart();
    },
    settings: () => vscode.commands.executeCommand("workbench.action.openSettings", "copydesk.server"),
  };
  const offer: Help = async (failure) => {
    const buttons = failure.remedies.map((remedy) => ({ title: REMEDIES[remedy], remedy }));
    const pressed = await vscode.window.showErrorMessage(failure.message, ...buttons);
    if (pressed !== undefined) await remedies[pressed.remedy]();
  };
  return { remedies, offer };
}

export async function deactivate(): Promise<void> {
  await running?.stop();
}

function command(name: string, act: (argument?: unknown) => unknown): vscode.Disposable {
  return vscode.commands.registerCommand(`copydesk.client.${name}`, act);
}

/** The server's commands as the manifest lists them: there from the first moment. */
function serverCommands(manifest: unknown): string[] {
  const { contributes } = manifest as { contributes: { commands: { command: string }[] } };
  return contributes.commands.map((one) => one.command).filter((id) => !id.startsWith("copydesk.client."));
}

/** A restart ends what runs, so it is the person's to say when; a server that does not run is just started. */
async function offerRestart(server: Supervisor, why: string): Promise<void> {
  if (server.state !== "running") {
    await server.restart();
    return;
  }
  const restart = "Restart Server";
  const said = await vscode.window.showInformationMessage(`${why} It counts after a restart of the server.`, restart);
  if (said === restart) await server.restart();
}
