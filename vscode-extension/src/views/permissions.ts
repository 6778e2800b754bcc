/**
 * Questions about permissions, as messages of the editor's own; the live view shows them too, with all there is to read.
 *
 * Owns no answer: what is open is read off the turns, and the server decides which answer counts. A message that is
 * closed leaves its question open. Start with `Permissions`.
 */
import * as vscode from "vscode";
import { reasonOf } from "../reading";
import type { PermissionItem, PermissionOption } from "../turn";
import type { Desk } from "./desk";

const COMMAND = "copydesk.permission.answer";

export class Permissions implements vscode.Disposable {
  private readonly owned: vscode.Disposable;

  constructor(private readonly desk: Desk) {
    this.owned = desk.onDidApply(({ kind, changes }) => {
      if (kind !== "permission") return;
      for (const each of changes) {
        if (each.type === "item" && each.item.type === "permission" && each.item.state === "asked")
          void this.show(each.item);
      }
    });
  }

  dispose(): void {
    this.owned.dispose();
  }

  /** What waits for an answer, the oldest first. */
  open(): readonly PermissionItem[] {
    if (!this.desk.can(COMMAND)) return [];
    const running = this.desk.turns.running().flatMap((turn) => turn.items);
    return running.filter((item): item is PermissionItem => item.type === "permission" && item.state === "asked");
  }

  /** `isWished`: the person wants to answer now. Else nothing may take the keys. */
  async show(item: PermissionItem, isWished = false): Promise<void> {
    if (!this.desk.can(COMMAND)) return;
    const chosen = isWished ? await dialog(item) : await message(item);
    if (!chosen) return;
    try {
      await this.desk.server.execute(COMMAND, { request: item.request, option: chosen.id });
    } catch (error) {
      void vscode.window.showErrorMessage(`Copydesk: ${reasonOf(error)}`);
    }
  }

  /** For the palette: the newest question, or that there is none. */
  async answerNewest(): Promise<void> {
    const newest = this.open().at(-1);
    if (newest) await this.show(newest, true);
    else void vscode.window.showInformationMessage("Copydesk: no permission is asked for.");
  }
}

interface Button extends vscode.MessageItem {
  readonly id: string;
}

function message(item: PermissionItem): Thenable<Button | undefined> {
  return vscode.window.showWarningMessage(inert(item.text).replaceAll("\n", " — "), ...buttons(item.options));
}

/** Enter alone takes the first button of a dialog: it must not be one that allows. */
function dialog(item: PermissionItem): Thenable<Button | undefined> {
  const denies = ({ id }: PermissionOption): boolean => id.startsWith("reject");
  const options = [...item.options.filter(denies), ...item.options.filter((each) => !denies(each))];
  const [asks = "", ...rest] = item.whole.trim().split("\n");
  return vscode.window.showWarningMessage(asks, { modal: true, detail: rest.join("\n") }, ...buttons(options));
}

function buttons(options: readonly PermissionOption[]): Button[] {
  return options.map(({ id, name }) => ({ id, title: name }));
}

/** The same words, and no link among them: messages make links of Markdown. */
function inert(text: string): string {
  return text.replaceAll("](", "] (");
}
