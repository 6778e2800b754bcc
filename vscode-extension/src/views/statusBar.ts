/** The status bar item: what Copydesk does now, and a click on it for what can be done. */
import * as vscode from "vscode";
import { statusLine } from "../statusLine";
import type { Desk } from "./desk";
import type { Permissions } from "./permissions";
import type { Questions } from "./questions";

const COLOURS = { warning: "statusBarItem.warningBackground", error: "statusBarItem.errorBackground" } as const;

export function showStatusBar(desk: Desk, questions: Questions, permissions: Permissions): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("copydesk", vscode.StatusBarAlignment.Left, 20);
  item.name = "Copydesk";
  item.command = "copydesk.client.menu";

  const draw = (): void => {
    const running = desk.turns.running().map((turn) => turn.head);
    const line = statusLine({
      server: desk.server.state,
      running,
      questions: [...questions.open().map((each) => each.question), ...permissions.open().map((each) => each.title)],
      pending: desk.pending,
      ...desk.facts,
    });
    item.text = `$(${line.icon}) ${escaped(line.text)}`;
    item.tooltip = tooltip(line.tooltip);
    item.backgroundColor = line.emphasis === "none" ? undefined : new vscode.ThemeColor(COLOURS[line.emphasis]);
    item.accessibilityInformation = { label: line.label, role: "button" };
  };
  draw();
  item.show();
  return vscode.Disposable.from(
    item,
    // Pieces of an answer change nothing here.
    desk.onDidApply(({ changes }) => (changes.some((each) => each.type !== "append") ? draw() : undefined)),
    desk.onDidLearn(draw),
    desk.onDidChangeWaiting(draw),
    questions.onDidChange(draw),
  );
}

/** Titles come from models and files: `$(…)` in them is no icon. */
function escaped(text: string): string {
  return text.replaceAll("$(", "$ (");
}

function tooltip([heading = "", ...lines]: readonly string[]): vscode.MarkdownString {
  const shown = new vscode.MarkdownString();
  shown.isTrusted = false;
  shown.appendMarkdown(`**${heading}**`);
  for (const line of lines) shown.appendMarkdown("\n\n").appendText(line);
  return shown;
}
