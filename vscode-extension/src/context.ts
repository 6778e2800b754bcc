/** Context keys, on which menus and the palette decide what to show: what the server can do, and whether it runs. */
import * as vscode from "vscode";
import type { Server, SessionUpdate } from "./server";

export class ContextKeys implements vscode.Disposable {
  private readonly set = new Map<string, unknown>();
  private readonly heard: vscode.Disposable;
  private readonly running = new Set<string>();

  constructor(private readonly server: Server) {
    this.heard = vscode.Disposable.from(
      server.onDidChangeState(() => {
        this.stateChanged();
      }),
      server.onDidUpdate((update) => {
        this.updated(update);
      }),
    );
    this.stateChanged();
  }

  dispose(): void {
    this.heard.dispose();
  }

  private stateChanged(): void {
    const known = this.server.state === "running" && this.server.capabilities.size > 0;
    const can = new Set([...this.server.capabilities].map((name) => `copydesk.can.${name.replace(/^copydesk\./, "")}`));
    for (const key of this.set.keys()) if (key.startsWith("copydesk.can.") && !can.has(key)) this.put(key, false);
    for (const key of can) this.put(key, true);
    this.put("copydesk.known", known);
    this.put("copydesk.state", this.server.state);
    this.running.clear();
    this.put("copydesk.running", false);
  }

  private updated({ turn, update }: SessionUpdate): void {
    if (update.sessionUpdate === "turn_started") this.running.add(turn);
    else if (update.sessionUpdate === "turn_ended") this.running.delete(turn);
    this.put("copydesk.running", this.running.size > 0);
  }

  private put(key: string, value: unknown): void {
    if (this.set.get(key) === value) return;
    this.set.set(key, value);
    void vscode.commands.executeCommand("setContext", key, value);
  }
}
