/**
 * The model's questions to the person, as dialogs of the editor's own.
 *
 * Owns which questions are open. A dialog that is closed without a choice leaves its question open: it goes on waiting
 * in the status bar and in the live view, and can be shown again. Only "No answer" answers with nothing.
 */
import * as vscode from "vscode";
import { strings, fields, text } from "../reading";
import type { Server } from "../server";
import { DialogKind, dialogKind } from "../dialogs";
import type { OpenQuestion } from "../webview/messages";

const NO_ANSWER = "No answer";
const ANSWER = "Answer…";
/** Who has typed so recently is still at it: a dialog that took the keys would be answered by accident. */
const TYPING_MS = 3_000;

interface Open extends OpenQuestion {
  settle(answer: string | null): void;
  readonly closed: vscode.CancellationTokenSource;
}

export class Questions implements vscode.Disposable {
  private readonly waiting = new Map<number, Open>();
  private readonly changed = new vscode.EventEmitter<undefined>();
  readonly onDidChange = this.changed.event;
  private n = 0;
  private typed = 0;
  private readonly owned: vscode.Disposable[];

  constructor(server: Server) {
    this.owned = [
      this.changed,
      server.onRequest("copydesk/editor/ask", async (params: unknown, token) => {
        const asked = fields(params);
        return { answer: await this.ask(text(asked.question), strings(asked.choices), token) };
      }),
      vscode.workspace.onDidChangeTextDocument(({ document, reason }) => {
        if (reason === undefined && document === vscode.window.activeTextEditor?.document) this.typed = Date.now();
      }),
    ];
  }

  dispose(): void {
    for (const each of this.waiting.values()) each.settle(null);
    for (const each of this.owned) each.dispose();
  }

  open(): readonly OpenQuestion[] {
    return [...this.waiting.values()].map(({ id, question, choices }) => ({ id, question, choices }));
  }

  answer(id: number, given: string | null): void {
    this.waiting.get(id)?.settle(given);
  }

  /** Shows the question's dialog again. */
  async show(id: number): Promise<void> {
    const open = this.waiting.get(id);
    if (open) await this.dialog(open, true);
  }

  private ask(question: string, choices: readonly string[], token: vscode.CancellationToken): Promise<string | null> {
    return new Promise((resolve) => {
      const id = ++this.n;
      const closed = new vscode.CancellationTokenSource();
      const settle = (answer: string | null): void => {
        if (!this.waiting.delete(id)) return;
        closed.cancel();
        cancelled.dispose();
        this.changed.fire(undefined);
        resolve(answer);
      };
      const cancelled = token.onCancellationRequested(() => settle(null));
      const open: Open = { id, question, choices, settle, closed };
      this.waiting.set(id, open);
      this.changed.fire(undefined);
      void this.dialog(open, Date.now() - this.typed > TYPING_MS);
    });
  }

  private async dialog(open: Open, mayTakeKeys: boolean): Promise<void> {
    const kind = dialogKind(open.choices);
    if (kind === DialogKind.Buttons) return this.byButtons(open, [...open.choices, NO_ANSWER]);
    if (!mayTakeKeys) return this.byButtons(open, [ANSWER, NO_ANSWER]);
    const answer = kind === DialogKind.Pick ? await pick(open) : await input(open);
    if (answer !== undefined) open.settle(answer);
  }

  private async byButtons(open: Open, buttons: readonly string[]): Promise<void> {
    const chosen = await vscode.window.showInformationMessage(`Copydesk asks: ${open.question}`, ...buttons);
    if (chosen === undefined) return;
    if (!this.waiting.has(open.id)) {
      void vscode.window.showInformationMessage("Copydesk: this question does not wait for an answer any more.");
      return;
    }
    if (chosen === ANSWER && !open.choices.includes(ANSWER)) return this.dialog(open, true);
    open.settle(chosen === NO_ANSWER && !open.choices.includes(NO_ANSWER) ? null : chosen);
  }
}

/** The choice; null for "No answer"; undefined when it was closed. */
async function pick({ question, choices, closed }: Open): Promise<string | null | undefined> {
  const items = [
    ...choices.map((label) => ({ label, answer: label })),
    { label: NO_ANSWER, answer: null, alwaysShow: true, iconPath: new vscode.ThemeIcon("circle-slash") },
  ];
  const options = { title: "Copydesk asks", placeHolder: question, ignoreFocusOut: true };
  return (await vscode.window.showQuickPick(items, options, closed.token))?.answer;
}

async function input({ question, closed }: Open): Promise<string | null | undefined> {
  const options = {
    title: "Copydesk asks; it can be answered later too",
    prompt: question,
    ignoreFocusOut: true,
    validateInput: (value: string) => (value.trim() ? undefined : "Type an answer, or press Escape to answer later."),
  };
  const answer = await vscode.window.showInputBox(options, closed.token);
  return answer?.trim() === "" ? undefined : answer;
}
