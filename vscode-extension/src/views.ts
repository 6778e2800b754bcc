/** Everything that is seen of Copydesk in VS Code, as one thing to start. */
import { Disposable, type ExtensionContext, type LogOutputChannel } from "vscode";
import type { PaletteCommand } from "./palette";
import type { Server } from "./server";

export const palette: Readonly<Record<string, PaletteCommand>> = {};

export function activateViews(_server: Server, _context: ExtensionContext, _log: LogOutputChannel): Disposable {
  return new Disposable(() => undefined);
}
