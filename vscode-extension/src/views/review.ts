/**
 * Review in the editor's own diff: the file on the left, as it is proposed on the right.
 *
 * Owns which diffs it has opened, and closes them when nothing of their file waits any more. Deciding is the server's:
 * its code lenses stand on both sides. Start with `Review.show`.
 */
import * as vscode from "vscode";
import { entryDetail, originalOf, type PendingEntry, pendingOf, seenIn } from "../pending";
import { reasonOf } from "../reading";
import { counted, shortened } from "../words";
import type { Desk } from "./desk";

/** The title by which a diff of many files is known again: VS Code tells extensions nothing else of it. */
const ALL = "Copydesk: proposed edits";
const EMPTY = vscode.Uri.parse("copydesk-empty:/empty");

interface Shown {
  readonly entry: PendingEntry;
  /** What the hints must not mention any more for the diff to be done with. */
  readonly seen: string;
}

export class Review implements vscode.Disposable {
  /** By the URI of the right side. */
  private readonly shown = new Map<string, Shown>();
  private readonly owned: vscode.Disposable[];

  constructor(private readonly desk: Desk) {
    this.owned = [
      vscode.workspace.registerTextDocumentContentProvider(EMPTY.scheme, { provideTextDocumentContent: () => "" }),
      vscode.commands.registerCommand("copydesk.client.acceptFile", () => this.decideActive("accept")),
      vscode.commands.registerCommand("copydesk.client.rejectFile", () => this.decideActive("reject")),
      vscode.window.tabGroups.onDidChangeTabs(() => this.tabsChanged()),
      vscode.window.tabGroups.onDidChangeTabGroups(() => this.tabsChanged()),
      desk.onDidChangeWaiting(() => void this.closeDecided()),
    ];
  }

  dispose(): void {
    for (const each of this.owned) each.dispose();
  }

  /** What waits, without opening anything. */
  async list(argument: object = {}): Promise<PendingEntry[]> {
    return pendingOf(await this.desk.server.execute<unknown>("copydesk.review.show", { ...argument, open: false }));
  }

  /** Shows what an answer of `copydesk.review.show` lists: at once where it is one file, else as the person chooses. */
  async show(entries: readonly PendingEntry[], turn = ""): Promise<void> {
    const [first] = entries;
    if (!first) {
      void vscode.window.showInformationMessage("Copydesk: nothing waits for a decision.");
      return;
    }
    if (entries.length === 1) return this.open(first);
    const each = entries.map((entry) => ({
      label: entry.path,
      description: entryDetail(entry),
      entries: [entry],
      iconPath: new vscode.ThemeIcon("diff-single"),
    }));
    const all = {
      label: `All ${counted(entries.length, "file")}`,
      description: "one below the other",
      entries: [...entries],
      iconPath: new vscode.ThemeIcon("diff-multiple"),
    };
    const options = { title: "Copydesk: review edits", placeHolder: "Which file?", matchOnDescription: true };
    const chosen = await vscode.window.showQuickPick([all, ...each], options);
    if (!chosen) return;
    if (chosen === all) await this.openAll(entries, turn);
    else await this.open(chosen.entries[0] ?? first);
  }

  async accept(argument: object): Promise<void> {
    await this.desk.server.execute("copydesk.review.accept", argument);
  }

  async reject(argument: object): Promise<void> {
    await this.desk.server.execute("copydesk.review.reject", argument);
  }

  private async open(entry: PendingEntry): Promise<void> {
    const [left, right] = this.sides(entry);
    if (!right) {
      // No document of the whole file: the server's own diff has the same lenses.
      await this.desk.server.execute("copydesk.review.show", { turn: entry.turn, uri: entry.uri });
      return;
    }
    this.shown.set(right.toString(), { entry, seen: this.desk.server.toUri(seenIn(entry)).toString() });
    await vscode.commands.executeCommand("vscode.diff", left, right, `${entry.path} (proposed)`, { preview: false });
    this.tabsChanged();
  }

  private async openAll(entries: readonly PendingEntry[], turn: string): Promise<void> {
    const sides = entries.map((entry) => ({ entry, sides: this.sides(entry) }));
    const list = sides.flatMap(({ entry, sides: [left, right] }) =>
      right ? [[this.desk.server.toUri(entry.uri), left, right] as const] : [],
    );
    if (list.length < entries.length) {
      await this.desk.server.execute("copydesk.review.show", turn ? { turn } : {});
      return;
    }
    await vscode.commands.executeCommand("vscode.changes", ALL, list);
  }

  private sides(entry: PendingEntry): [vscode.Uri, vscode.Uri | undefined] {
    const { server } = this.desk;
    const original = originalOf(entry);
    const left = original ? server.toUri(original) : EMPTY.with({ path: `/${entry.path}` });
    return [left, entry.proposed ? server.toUri(entry.proposed) : undefined];
  }

  private async decideActive(verb: "accept" | "reject"): Promise<void> {
    const shown = this.active();
    if (!shown) {
      void vscode.window.showInformationMessage("Copydesk: open a proposed edit first, with Review Edits.");
      return;
    }
    const { uri, session } = shown.entry;
    try {
      await (verb === "accept" ? this.accept({ uri, session }) : this.reject({ uri, session }));
    } catch (error) {
      void vscode.window.showErrorMessage(`Copydesk: ${reasonOf(error)}`);
    }
  }

  private active(): Shown | undefined {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    return input instanceof vscode.TabInputTextDiff ? this.shown.get(input.modified.toString()) : undefined;
  }

  private tabsChanged(): void {
    const active = this.active();
    void vscode.commands.executeCommand("setContext", "copydesk.reviewing", active !== undefined);
  }

  private async closeDecided(): Promise<void> {
    const done = [...this.shown].filter(([, { seen }]) => !this.desk.waiting.files.has(seen));
    for (const [right, { entry }] of done) {
      this.shown.delete(right);
      this.desk.log.debug(`Nothing of ${shortened(entry.path, 80)} waits any more.`);
    }
    const rights = new Set(done.map(([right]) => right));
    const tabs = vscode.window.tabGroups.all
      .flatMap((group) => group.tabs)
      .filter(({ input, label }) =>
        input instanceof vscode.TabInputTextDiff
          ? rights.has(input.modified.toString())
          : input === undefined && label.startsWith(ALL) && this.desk.waiting.count === 0,
      );
    if (tabs.length) await vscode.window.tabGroups.close(tabs, true);
  }
}
