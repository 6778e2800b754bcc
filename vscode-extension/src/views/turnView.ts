/**
 * The live view `copydesk.turn`: gives the page what it shows, and does what its buttons mean.
 *
 * Owns which turn is shown and when changes are sent. The page names things by the ids it was given; URIs and commands
 * come from here. Nothing is kept in the page: when it comes back it is told everything again. Start with `TurnView`.
 */
import { readFileSync } from "node:fs";
import * as vscode from "vscode";
import { reasonOf } from "../reading";
import type { Change, Head } from "../turn";
import type { Applied } from "../turns";
import { type Action, type FromView, type Offers, readFromView, type ToView } from "../webview/messages";
import { shortened, stateOf, titleOf } from "../words";
import type { Desk } from "./desk";
import { page } from "./page";
import type { Questions } from "./questions";

export const VIEW = "copydesk.turn";
/** Changes that come closer together than this go to the page as one message. */
const GATHER_MS = 30;

export interface Acts {
  prompt(text: string, session: string): Promise<void>;
  act(action: Action, head: Head): Promise<void>;
}

export class TurnView implements vscode.WebviewViewProvider, vscode.Disposable {
  private view: vscode.WebviewView | undefined;
  private isReady = false;
  /** Empty: always the newest. */
  private pinned = "";
  private gathered: Change[] = [];
  /** Turns that a page has shown: a page that comes back must not read them out again. */
  private readonly told = new Set<string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly owned: vscode.Disposable[];

  constructor(
    private readonly desk: Desk,
    private readonly questions: Questions,
    private readonly extensionUri: vscode.Uri,
    private readonly acts: Acts,
  ) {
    this.owned = [
      vscode.window.registerWebviewViewProvider(VIEW, this),
      desk.onDidApply((applied) => this.applied(applied)),
      desk.onDidLearn(() => this.postOffers()),
      questions.onDidChange(() => this.postQuestions()),
    ];
  }

  dispose(): void {
    clearTimeout(this.timer);
    for (const each of this.owned) each.dispose();
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    this.view = view;
    this.isReady = false;
    view.webview.options = { enableScripts: true, localResourceRoots: [] };
    view.webview.onDidReceiveMessage((message: unknown) => this.received(message));
    view.onDidDispose(() => {
      this.view = undefined;
      this.isReady = false;
    });
    view.webview.html = page({ script: this.read("dist", "turn.js"), style: this.read("media", "turn.css") });
  }

  get isVisible(): boolean {
    return this.view?.visible ?? false;
  }

  /** Shows the turn, or the newest; the focus stays where it is. */
  async reveal(turn = "", isFocused = false): Promise<void> {
    this.pin(turn);
    await vscode.commands.executeCommand(`${VIEW}.focus`, { preserveFocus: !isFocused });
    if (isFocused) this.post({ type: "focus" });
  }

  // --- towards the page ---

  private get shown(): string {
    return this.pinned || (this.desk.turns.newest?.head.turn ?? "");
  }

  private pin(turn: string): void {
    const before = this.shown;
    this.pinned = turn === this.desk.turns.newest?.head.turn || !this.desk.turns.get(turn) ? "" : turn;
    if (this.shown !== before) this.postTurn();
  }

  private applied({ turn, kind, changes }: Applied): void {
    if (kind === "turn_started" && this.pinned && this.desk.turns.newest?.head.turn === turn) this.pinned = "";
    if (kind === "turn_started" || kind === "turn_ended") {
      if (kind === "turn_started" && turn === this.shown) this.postTurn();
      else this.postTurns();
    }
    if (turn !== this.shown || !this.isReady || kind === "turn_started") return;
    this.gathered.push(...changes);
    this.timer ??= setTimeout(() => this.flush(), GATHER_MS);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const changes = this.gathered;
    this.gathered = [];
    if (changes.length) this.post({ type: "changes", turn: this.shown, changes });
  }

  private postAll(): void {
    this.postTurn();
    this.postOffers();
    this.postQuestions();
  }

  private postTurn(): void {
    // What was gathered is in the turn already.
    this.gathered = [];
    this.postTurns();
    const isNews = this.isReady && !this.told.has(this.shown);
    if (this.isReady) this.told.add(this.shown);
    this.post({ type: "turn", turn: this.desk.turns.get(this.shown) ?? null, isNews });
  }

  private postTurns(): void {
    const turns = this.desk.turns
      .all()
      .toReversed()
      .map(({ head }) => ({
        turn: head.turn,
        label: `${shortened(titleOf(head.title), 60)} — ${head.isRunning ? "running" : shortened(stateOf(head), 40)}`,
      }));
    this.post({ type: "turns", turns, chosen: this.shown });
  }

  private postQuestions(): void {
    this.post({ type: "questions", questions: this.questions.open() });
  }

  private postOffers(): void {
    const { desk } = this;
    const offers: Offers = {
      canCancel: desk.can("copydesk.cancel"),
      canReview: desk.can("copydesk.review.show"),
      canUndo: desk.can("copydesk.undo"),
      canAnswerPermission: desk.can("copydesk.permission.answer"),
      lost: [...desk.lost],
      problem: desk.can("copydesk.prompt") ? "" : `The server is ${desk.server.state}`,
    };
    this.post({ type: "offers", offers });
  }

  private post(message: ToView): void {
    if (this.isReady) void this.view?.webview.postMessage(message);
  }

  // --- from the page ---

  private received(message: unknown): void {
    const known = readFromView(message);
    if (!known) {
      this.desk.log.warn("The live view sent a message that means nothing.");
      return;
    }
    this.handle(known).catch((error: unknown) => {
      if (known.type === "prompt") this.post({ type: "draft", text: known.text });
      void vscode.window.showErrorMessage(`Copydesk: ${reasonOf(error)}`);
    });
  }

  private async handle(message: FromView): Promise<void> {
    switch (message.type) {
      case "ready":
        this.isReady = true;
        {
          this.postAll();
          return;
        }
      case "choose": {
        this.pin(message.turn);
        return;
      }
      case "answer": {
        this.questions.answer(message.question, message.answer);
        return;
      }
      case "prompt": {
        const session = this.desk.turns.get(message.turn)?.head.session ?? "";
        return this.acts.prompt(message.text, this.desk.lost.has(session) ? "" : session);
      }
      default:
        return this.handleOfTurn(message);
    }
  }

  private async handleOfTurn(message: Extract<FromView, { turn: string }>): Promise<void> {
    const turn = this.desk.turns.get(message.turn);
    if (!turn) return;
    switch (message.type) {
      case "act":
        return this.acts.act(message.action, turn.head);
      case "openFile":
        return this.openUri(turn.head.files[message.file]?.uri);
      case "openPlace": {
        const item = turn.items.find((each) => each.id === message.item);
        const place = item?.type === "tool" ? item.places[message.place] : undefined;
        return this.openUri(place?.uri, place?.line);
      }
      case "permit": {
        const item = turn.items.find((each) => each.id === message.item);
        if (item?.type !== "permission" || !item.options.some(({ id }) => id === message.option)) return;
        const { option, reason } = message;
        await this.desk.server.execute("copydesk.permission.answer", { request: item.request, option, reason });
      }
    }
  }

  private async openUri(given: string | undefined, line?: number): Promise<void> {
    if (!given) return;
    const uri = this.desk.server.toUri(given);
    if (!["file", "untitled", "vscode-remote", "vscode-notebook-cell"].includes(uri.scheme)) {
      throw new Error(`${given} is no file that can be opened from here.`);
    }
    const at = new vscode.Position(line ?? 0, 0);
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(at, at), preview: true });
  }

  private read(...path: string[]): string {
    return readFileSync(vscode.Uri.joinPath(this.extensionUri, ...path).fsPath, "utf-8");
  }
}
