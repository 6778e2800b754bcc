/** Everything that is seen of Copydesk in VS Code, as one thing to start. */
import * as vscode from "vscode";
import { serveChat } from "./chat";
import { serveCodeIntel } from "./codeIntel";
import { serveLanguageModels } from "./languageModels";
import type { PaletteCommand } from "./palette";
import type { Server } from "./server";
import type { Head } from "./turn";
import { Desk } from "./views/desk";
import { Documents } from "./views/documents";
import { Endings } from "./views/endings";
import { registerMenu } from "./views/menu";
import { Permissions } from "./views/permissions";
import { Picks } from "./views/picks";
import { Questions } from "./views/questions";
import { Review } from "./views/review";
import { showStatusBar } from "./views/statusBar";
import { TurnView } from "./views/turnView";
import type { Action } from "./webview/messages";

const LONG = 80;
const LONG_COMMAND = 200;

/** Filled when the views start. */
export const palette: Record<string, PaletteCommand> = {};

export function activateViews(
  server: Server,
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const desk = new Desk(server, log);
  const questions = new Questions(server);
  const review = new Review(desk);
  const documents = new Documents();
  const view: TurnView = new TurnView(desk, questions, context.extensionUri, {
    prompt: (text, session) => picks.prompt(text, session),
    act: (action, head) => act(action, head, desk, review),
  });
  const picks = new Picks(desk, review, view, documents);
  const endings = new Endings(desk, view, review);
  const permissions = new Permissions(desk);
  Object.assign(palette, picks.entries(), {
    "copydesk.permission.answer": { prepare: (given) => answered(given, permissions) },
  } satisfies Record<string, PaletteCommand>);
  const shows = vscode.commands.registerCommand("copydesk.client.showTurn", () => view.reveal("", true));
  // A dialog cuts a long question off; the live view has all of it.
  const long = questions.onDidChange(() => {
    if (!view.isVisible && questions.open().some((each) => each.question.length > LONG)) void view.reveal();
  });
  const whole = desk.onDidApply(({ turn, kind }) => {
    const isLong = permissions.open().some((each) => each.text.length > LONG_COMMAND);
    if (kind === "permission" && isLong && !view.isVisible) void view.reveal(turn);
  });
  return vscode.Disposable.from(
    long,
    whole,
    desk,
    questions,
    review,
    documents,
    view,
    endings,
    permissions,
    shows,
    tellPending(desk), // before the status bar says it: what it names can then be run
    showStatusBar(desk, questions, permissions),
    registerMenu(desk, questions, permissions),
    serveLanguageModels(server, context, log),
    serveCodeIntel(server),
    serveChat(desk, endings.elsewhere),
  );
}

/** With an answer it is sent; without one the person is asked, and that is all. */
async function answered(
  given: Record<string, unknown> | undefined,
  permissions: Permissions,
): Promise<Record<string, unknown> | undefined> {
  if (given?.option !== undefined) return given;
  await permissions.answerNewest();
  return undefined;
}

/** Keeps the context key `copydesk.pending`, on which menus and the palette decide. */
function tellPending(desk: Desk): vscode.Disposable {
  let told = -1;
  const tell = (): void => {
    if (told === desk.pending) return;
    told = desk.pending;
    void vscode.commands.executeCommand("setContext", "copydesk.pending", told);
  };
  tell();
  return vscode.Disposable.from(desk.onDidApply(tell), desk.onDidLearn(tell), desk.onDidChangeWaiting(tell));
}

/** What the live view's buttons mean. */
async function act(action: Action, { turn }: Head, desk: Desk, review: Review): Promise<void> {
  switch (action) {
    case "review":
      return review.show(await review.list({ turn }), turn);
    case "acceptAll":
      return review.accept({ turn });
    case "rejectAll":
      return review.reject({ turn });
    case "undo":
      await vscode.commands.executeCommand("copydesk.undo", { turn });
      return;
    case "cancel":
      await desk.server.execute("copydesk.cancel", { turn });
  }
}
