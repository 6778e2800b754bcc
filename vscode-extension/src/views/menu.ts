/** `copydesk.client.menu`: what the status bar item offers. Shows what can be done now, the most urgent first. */
import * as vscode from "vscode";
import { reasonOf } from "../reading";
import { counted, shortened, stateOf, titleOf } from "../words";
import { type Desk, tokensOf } from "./desk";
import type { Permissions } from "./permissions";
import type { Questions } from "./questions";

interface Entry extends vscode.QuickPickItem {
  readonly run?: () => Thenable<unknown>;
}

type Step = readonly [icon: string, label: string, run: () => Thenable<unknown>, description?: string];

export function registerMenu(desk: Desk, questions: Questions, permissions: Permissions): vscode.Disposable {
  return vscode.commands.registerCommand("copydesk.client.menu", async () => {
    const entries = [
      ...group("Waits for you", [...permits(permissions), ...waits(desk, questions)]),
      ...group("Now", now(desk)),
      ...group("Next", next(desk)),
      ...group("Server", server(desk)),
    ];
    const chosen = await vscode.window.showQuickPick(entries, { title: "Copydesk", placeHolder: heading(desk) });
    try {
      await chosen?.run?.();
    } catch (error) {
      void vscode.window.showErrorMessage(`Copydesk: ${reasonOf(error)}`);
    }
  });
}

function heading({ server, facts }: Desk): string {
  if (server.state !== "running") return `The server is ${server.state}`;
  return facts.problem || "What now?";
}

function group(label: string, steps: readonly Step[]): Entry[] {
  if (!steps.length) return [];
  const entries = steps.map(([icon, text, run, description = ""]) => ({
    label: text,
    description,
    iconPath: new vscode.ThemeIcon(icon),
    run,
  }));
  return [{ label, kind: vscode.QuickPickItemKind.Separator }, ...entries];
}

function call(command: string, ...rest: unknown[]): () => Thenable<unknown> {
  return () => vscode.commands.executeCommand(command, ...rest);
}

function permits(permissions: Permissions): Step[] {
  return permissions
    .open()
    .map((item) => ["shield", `Allow or deny: ${shortened(item.title, 70)}`, () => permissions.show(item, true)]);
}

function waits(desk: Desk, questions: Questions): Step[] {
  const steps: Step[] = questions
    .open()
    .map(({ id, question }) => ["question", `Answer: ${shortened(question, 70)}`, () => questions.show(id)]);
  const n = desk.pending;
  if (n && desk.can("copydesk.review.show")) {
    const all = (verb: string) => () => desk.server.execute(`copydesk.review.${verb}`, { all: true });
    steps.push(
      ["diff", "Review edits", call("copydesk.review.show"), counted(n, "hunk")],
      ["check-all", "Accept all edits", all("accept")],
      ["close-all", "Reject all edits", all("reject")],
    );
  }
  return steps;
}

function now(desk: Desk): Step[] {
  const steps: Step[] = desk.can("copydesk.cancel")
    ? desk.turns.running().map(({ head }) => {
        const cancel = (): Thenable<unknown> => desk.server.execute("copydesk.cancel", { turn: head.turn });
        return ["debug-stop", `Cancel: ${titleOf(head.title)}`, cancel, stateOf(head)];
      })
    : [];
  if (desk.turns.newest) {
    const tokens = tokensOf(desk.turns);
    const used = tokens ? `${tokens.toLocaleString("en")} tokens since the start` : "";
    steps.push(["eye", "Show the turn", call("copydesk.client.showTurn"), used]);
  }
  if (desk.can("copydesk.undo") && desk.turns.newest)
    steps.push(["discard", "Undo the newest edit", call("copydesk.undo")]);
  return steps;
}

function next(desk: Desk): Step[] {
  const { model, mode } = desk.facts;
  const steps: [string, ...Step][] = [
    ["copydesk.prompt", "edit", "Prompt…", call("copydesk.prompt")],
    ["copydesk.ask", "comment", "Ask…", call("copydesk.ask")],
    ["copydesk.session.list", "history", "Sessions and their cost…", call("copydesk.session.list")],
    ["copydesk.model.set", "server-environment", "Select model…", call("copydesk.model.set"), model],
    ["copydesk.mode.set", "shield", "Set mode…", call("copydesk.mode.set"), mode],
  ];
  return steps.flatMap(([command, ...step]) => (desk.can(command) ? [step] : []));
}

function server(desk: Desk): Step[] {
  const steps: Step[] = [];
  if (desk.can("copydesk.status")) steps.push(["info", "Status", call("copydesk.status")]);
  if (desk.can("copydesk.doctor")) steps.push(["pulse", "Doctor", call("copydesk.doctor")]);
  return [
    ...steps,
    ["output", "Show log", call("copydesk.client.showLog")],
    ["refresh", "Restart server", call("copydesk.client.restart")],
  ];
}
