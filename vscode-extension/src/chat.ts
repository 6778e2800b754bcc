/**
 * The chat participant `@copydesk`: a turn of the server's, in the editor's chat.
 *
 * Owns no conversation: the server's session goes on, named in each answer's metadata. Start with `serveChat`.
 */
import * as vscode from "vscode";
import { fields, reasonOf, text } from "./reading";
import type { Item, Turn } from "./turn";
import type { Desk } from "./views/desk";
import { stateOf, waitingOf } from "./words";

const VERBS = ["explain", "fix", "document", "test"];

export function serveChat(desk: Desk, elsewhere: Set<string>): vscode.Disposable {
  // Older editors, and forks of them, have no chat.
  const isThere: boolean = "chat" in vscode;
  if (!isThere) return new vscode.Disposable(() => undefined);
  const handle: vscode.ChatRequestHandler = async (request, context, stream, token) => {
    const session = sessionOf(context);
    try {
      const started = fields(await start(desk, request, session));
      const turn = text(started.turn);
      elsewhere.add(turn);
      await follow(desk, turn, stream, token);
      return { metadata: { session: text(started.session), turn } };
    } catch (error) {
      return { errorDetails: { message: `Copydesk: ${reasonOf(error)}` } };
    }
  };
  return vscode.chat.createChatParticipant("copydesk.chat", handle);
}

function sessionOf({ history }: vscode.ChatContext): string {
  const answers = history.filter((each) => each instanceof vscode.ChatResponseTurn);
  return text(fields(answers.at(-1)?.result.metadata).session);
}

async function start(desk: Desk, request: vscode.ChatRequest, session: string): Promise<unknown> {
  const { command, prompt } = request;
  const place = placeOf(desk, request) ?? {};
  if (command && VERBS.includes(command)) {
    return desk.server.execute(`copydesk.${command}`, { ...place, text: prompt, ...(session ? { session } : {}) });
  }
  const begun = session || text(fields(await desk.server.execute<unknown>("copydesk.session.new")).session);
  return desk.server.execute("copydesk.prompt", { ...place, text: prompt, session: begun });
}

/** What is attached, else where the cursor is. */
function placeOf(desk: Desk, { references }: vscode.ChatRequest): object | undefined {
  const attached = references.map((each) => each.value).find((value) => value instanceof vscode.Location);
  if (attached) return { uri: desk.server.fromUri(attached.uri), range: rangeOf(attached.range) };
  const editor = vscode.window.activeTextEditor;
  return editor && { uri: desk.server.fromUri(editor.document.uri), range: rangeOf(editor.selection) };
}

function rangeOf({ start, end }: vscode.Range): object {
  const at = (position: vscode.Position): object => ({ line: position.line, character: position.character });
  return { start: at(start), end: at(end) };
}

/** Streams the turn from its beginning, which may have come before its id was known, to its end. */
function follow(
  desk: Desk,
  turn: string,
  stream: vscode.ChatResponseStream,
  token: vscode.CancellationToken,
): Promise<void> {
  const sent = new Map<number, string>();
  return new Promise((resolve) => {
    const draw = (): void => {
      const now = desk.turns.get(turn);
      for (const item of now?.items ?? []) send(desk, item, sent, stream);
      if (!now || now.head.isRunning) return;
      listening.dispose();
      cancelling.dispose();
      finish(now, stream);
      resolve();
    };
    const listening = desk.onDidApply((applied) => (applied.turn === turn ? draw() : undefined));
    const cancelling = token.onCancellationRequested(() => {
      desk.server.execute("copydesk.cancel", { turn }).catch((error: unknown) => {
        desk.log.warn(`The turn could not be cancelled: ${reasonOf(error)}`);
      });
    });
    draw();
  });
}

/** What of the item was not sent yet. */
function send(desk: Desk, item: Item, sent: Map<number, string>, stream: vscode.ChatResponseStream): void {
  const before = sent.get(item.id);
  if (item.type === "text") {
    const shown = new vscode.MarkdownString(item.text.slice(before?.length ?? 0));
    shown.isTrusted = false;
    shown.supportHtml = false;
    if (shown.value) stream.markdown(shown);
    sent.set(item.id, item.text);
  } else if (before === undefined) {
    sent.set(item.id, "");
    if (item.type === "tool") {
      stream.progress(item.title);
      for (const place of item.places) {
        const uri = desk.server.toUri(place.uri);
        stream.reference(place.line === undefined ? uri : new vscode.Location(uri, new vscode.Position(place.line, 0)));
      }
    } else if (item.type === "notice") stream.progress(item.text);
  }
}

function finish({ head }: Turn, stream: vscode.ChatResponseStream): void {
  if (head.stopReason !== "end_turn")
    stream.markdown(new vscode.MarkdownString("\n\n").appendText(`${stateOf(head)}.`));
  if (!head.pending.length) return;
  stream.markdown(new vscode.MarkdownString("\n\n").appendText(`${waitingOf(head.pending)}.`));
  stream.button({ command: "copydesk.review.show", title: "Review edits" });
}
