/**
 * What all views know together: the turns, what waits for a decision, which model answers, what the server can do.
 *
 * Owns no window and decides nothing. Start with `Desk`. How many hunks wait is read off the server's own hints, which
 * follow every decision and every key; nobody here counts for himself.
 */
import * as vscode from "vscode";
import { type Fields, fields, number, reasonOf, text } from "../reading";
import type { Server } from "../server";
import { type Applied, Turns } from "../turns";

export interface Facts {
  readonly model: string;
  readonly mode: string;
  /** Why no model answers; empty when one does. */
  readonly problem: string;
  /** Of today and this session, in the server's words. */
  readonly spending: string;
}

export interface Waiting {
  /** Hunks by the URI of the file in which they show. */
  readonly files: ReadonlyMap<string, number>;
  readonly count: number;
}

/** How long a review's own count holds where the hints have not come yet. */
const HINTS_MS = 1_000;
const STOPPED = "The server stopped while this ran. What was done is kept as a draft.";

export class Desk implements vscode.Disposable {
  readonly turns = new Turns();
  /** Sessions of a server that is gone: nobody can go on in them. */
  readonly lost = new Set<string>();
  facts: Facts = { model: "", mode: "", problem: "", spending: "" };
  waiting: Waiting = { files: new Map(), count: 0 };

  private readonly applied = new vscode.EventEmitter<Applied>();
  private readonly learned = new vscode.EventEmitter<undefined>();
  private readonly waits = new vscode.EventEmitter<Waiting>();
  readonly onDidApply = this.applied.event;
  /** Facts or the server's state. */
  readonly onDidLearn = this.learned.event;
  readonly onDidChangeWaiting = this.waits.event;

  private announced = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly owned: vscode.Disposable[];

  constructor(
    readonly server: Server,
    readonly log: vscode.LogOutputChannel,
  ) {
    this.owned = [
      this.applied,
      this.learned,
      this.waits,
      server.onDidUpdate((update) => this.tell(this.turns.apply(update))),
      server.onDidChangeState(() => this.stateChanged()),
      vscode.languages.onDidChangeDiagnostics(({ uris }) => this.count(uris)),
    ];
    this.count(vscode.languages.getDiagnostics().map(([uri]) => uri));
    if (server.state === "running") void this.learn();
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const each of this.owned) each.dispose();
  }

  /** How many hunks wait for a decision. */
  get pending(): number {
    return this.waiting.count || this.announced;
  }

  can(command: string): boolean {
    return this.server.state === "running" && this.server.capabilities.has(command);
  }

  note(turn: string, level: "info" | "warning" | "error", said: string): void {
    this.tell(this.turns.note(turn, level, said));
  }

  /** Asks the server which model and mode there are. */
  async learn(): Promise<void> {
    try {
      const status = fields(await this.server.execute<unknown>("copydesk.status"));
      const model: Fields = fields(status.model);
      const spending = text(fields(status.spending).text);
      this.facts = { model: text(model.name), mode: text(status.mode), problem: text(model.problem), spending };
    } catch (error) {
      this.log.warn(`The server's status could not be read: ${reasonOf(error)}`);
    }
    this.learned.fire(undefined);
  }

  private tell(applied: Applied | undefined): void {
    if (!applied) return;
    if (applied.kind === "review") this.announce(applied.turn);
    this.applied.fire(applied);
    if (applied.kind === "model_chosen" || applied.kind === "turn_ended") void this.learn();
  }

  /** A turn's end comes before its hints: in between, nothing should look as if it were over. */
  private announce(turn: string): void {
    clearTimeout(this.timer);
    this.announced = this.turns.get(turn)?.head.pending.reduce((sum, file) => sum + file.hunks, 0) ?? 0;
    this.timer = setTimeout(() => {
      this.announced = 0;
      this.waits.fire(this.waiting);
    }, HINTS_MS);
  }

  private stateChanged(): void {
    if (this.server.state === "running") {
      void this.learn();
      return;
    }
    for (const { head } of this.turns.all()) this.lost.add(head.session);
    for (const each of this.turns.stopAll(STOPPED)) this.applied.fire(each);
    this.learned.fire(undefined);
  }

  private count(uris: readonly vscode.Uri[]): void {
    const files = new Map(this.waiting.files);
    for (const uri of uris) {
      const n = vscode.languages.getDiagnostics(uri).filter(isPending).length;
      if (n) files.set(uri.toString(), n);
      else files.delete(uri.toString());
    }
    const now = { files, count: [...files.values()].reduce((sum, n) => sum + n, 0) };
    const isNews = now.count !== this.waiting.count || [...files.keys()].some((uri) => !this.waiting.files.has(uri));
    this.waiting = now;
    if (!isNews) return;
    this.announced = 0;
    this.waits.fire(now);
  }
}

/** A hint of the server's on a hunk that waits. */
export function isPending(diagnostic: vscode.Diagnostic): boolean {
  const { code } = diagnostic;
  return diagnostic.source === "copydesk" && (typeof code === "object" ? code.value : code) === "pending";
}

/** How many tokens all known turns have used, for the menu. */
export function tokensOf(turns: Turns): number {
  return turns.all().reduce((sum, { head }) => sum + number(head.tokens), 0);
}
