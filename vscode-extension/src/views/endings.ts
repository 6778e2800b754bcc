/**
 * What is said when a turn has ended: of what waits always, of the rest to those who do not look at the live view.
 *
 * The server says nothing of its own to a client that takes its updates. An answer opens the live view when the turn
 * begins, without the focus; of edits and failures a message tells, which takes no focus either.
 */
import * as vscode from "vscode";
import type { Head } from "../turn";
import type { Applied } from "../turns";
import { shortened, stateOf, titleOf, waitingOf } from "../words";
import type { Desk } from "./desk";
import type { Review } from "./review";
import type { TurnView } from "./turnView";

const READ = ["explain", "ask", "prompt"];
const MAX_SAID = 300;

export class Endings implements vscode.Disposable {
  /** Turns that are shown elsewhere: nothing is said of them here. */
  readonly elsewhere = new Set<string>();
  private readonly owned: vscode.Disposable;

  constructor(
    private readonly desk: Desk,
    private readonly view: TurnView,
    private readonly review: Review,
  ) {
    this.owned = desk.onDidApply((applied) => void this.applied(applied));
  }

  dispose(): void {
    this.owned.dispose();
  }

  private async applied({ turn, kind }: Applied): Promise<void> {
    const head = this.desk.turns.get(turn)?.head;
    if (!head) return;
    if (kind === "turn_started" && READ.includes(head.verb)) await this.revealUnlessElsewhere(turn);
    if (kind === "turn_ended" && !this.elsewhere.has(turn)) await this.ended(head);
  }

  private async revealUnlessElsewhere(turn: string): Promise<void> {
    // Whoever started it learns its id only with the answer of the command, a moment later.
    await new Promise((resolve) => setTimeout(resolve, 150));
    if (!this.elsewhere.has(turn)) await this.view.reveal(turn);
  }

  private async ended(head: Head): Promise<void> {
    if (head.pending.length) return this.invite(head);
    if (this.view.isVisible) return;
    if (head.stopReason === "error") return this.failed(head);
    if (head.files.some((file) => file.state === "applied" || file.state === "partial")) return this.landed(head);
  }

  private async invite(head: Head): Promise<void> {
    const said = `Copydesk: ${waitingOf(head.pending)}.`;
    const chosen = await vscode.window.showInformationMessage(said, "Review", "Accept All", "Reject All");
    const { turn } = head;
    if (chosen === "Review") await this.review.show(await this.review.list({ turn }), turn);
    if (chosen === "Accept All") await this.review.accept({ turn });
    if (chosen === "Reject All") await this.review.reject({ turn });
  }

  private async failed(head: Head): Promise<void> {
    const said = `${titleOf(head.title)}: ${shortened(stateOf(head), MAX_SAID)}`;
    const chosen = await vscode.window.showErrorMessage(`Copydesk: ${said}`, "Show", "Show Log");
    if (chosen === "Show") await this.view.reveal(head.turn, true);
    if (chosen === "Show Log") await vscode.commands.executeCommand("copydesk.client.showLog");
  }

  private async landed(head: Head): Promise<void> {
    const said = `Copydesk: ${titleOf(head.title)}. Applied, not saved.`;
    const chosen = await vscode.window.showInformationMessage(said, "Show", "Undo");
    if (chosen === "Show") await this.view.reveal(head.turn, true);
    if (chosen === "Undo") await this.desk.server.execute("copydesk.undo", { turn: head.turn });
  }
}
