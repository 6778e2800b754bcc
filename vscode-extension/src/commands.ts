/**
 * The commands of the palette: the server's own, under their own ids, registered once for the life of the window.
 *
 * They are ours and not the language client's, so that they are there before the server runs, while it starts again,
 * and after it failed: each waits for it, or says what is wrong. Start with `Commands.run`.
 */
import * as vscode from "vscode";
import { given, lacksText, placed, TEXT_BOXES, type Argument, type Place } from "./arguments";
import type { PaletteCommand } from "./palette";
import { StartFailure } from "./start/failure";
import type { Supervisor } from "./supervisor";

const SYNCED = new Set(["file", "untitled", "vscode-notebook-cell", "copydesk"]);

export class Commands implements vscode.Disposable {
  private readonly registered = new Map<string, vscode.Disposable>();
  /** What was typed for a command that could not be sent; offered again. */
  private readonly unsent = new Map<string, string>();

  constructor(
    private readonly server: Supervisor,
    private readonly palette: Readonly<Record<string, PaletteCommand>>,
    private readonly onFailure: (failure: StartFailure) => void,
  ) {}

  /** Registers these commands, but for those that are there already. */
  register(ids: Iterable<string>): void {
    for (const id of ids) {
      if (this.registered.has(id)) continue;
      this.registered.set(
        id,
        vscode.commands.registerCommand(id, (...args: unknown[]) => this.run(id, args)),
      );
    }
  }

  dispose(): void {
    for (const one of this.registered.values()) one.dispose();
  }

  /** Runs one of the server's commands as a person asked for it. Errors are shown, not thrown. */
  private async run(id: string, args: readonly unknown[]): Promise<unknown> {
    const place = currentPlace();
    const said = given(args);
    let argument: Argument | string | undefined = said;
    if (typeof said !== "string") {
      const wished = await this.asked(id, placed(id, said, place));
      if (wished === "cancelled") return undefined;
      argument = wished;
    }
    try {
      await this.server.ready();
      if (typeof argument !== "string") {
        const asks = this.palette[id];
        if (asks?.prepare !== undefined) {
          argument = await asks.prepare(argument);
          if (argument === undefined) return undefined;
        }
      }
      const result = await this.server.execute(id, argument);
      this.unsent.delete(id);
      await this.palette[id]?.present?.(result);
      return result;
    } catch (error) {
      if (error instanceof StartFailure) this.onFailure(error);
      else void vscode.window.showErrorMessage(`Copydesk: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  /** The argument with the text that the command needs; asked for where it is missing. */
  private async asked(id: string, argument: Argument | undefined): Promise<Argument | undefined | "cancelled"> {
    const box = TEXT_BOXES[id];
    if (box === undefined || !lacksText(id, argument)) return argument;
    const text = await vscode.window.showInputBox({
      title: box.title,
      placeHolder: box.placeHolder,
      value: this.unsent.get(id) ?? "",
      ignoreFocusOut: true,
    });
    if (!text?.trim()) return "cancelled";
    this.unsent.set(id, text);
    return { ...argument, text };
  }
}

/** The selection of the editor in front, where the server knows its text. */
function currentPlace(): Place | undefined {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined || !SYNCED.has(editor.document.uri.scheme)) return undefined;
  const { start, end } = editor.selection;
  return {
    uri: editor.document.uri.toString(),
    range: {
      start: { line: start.line, character: start.character },
      end: { line: end.line, character: end.character },
    },
  };
}
