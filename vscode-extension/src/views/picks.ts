/**
 * What the extension asks before a command of the server's, and what it shows after: models, modes, sessions, reports.
 *
 * Owns the dialogs; which models and sessions there are, and what a choice means, is the server's. Start with `entries`.
 */
import * as vscode from "vscode";
import {
  type Choice,
  modeChoices,
  type ModelChoice,
  modelChoices,
  type SessionChoice,
  sessionChoices,
} from "../choices";
import type { PaletteCommand } from "../palette";
import { pendingOf } from "../pending";
import { fields, objects, strings, text } from "../reading";
import { doctorReport, statusReport } from "../reports";
import { counted } from "../words";
import type { Desk } from "./desk";
import type { Documents } from "./documents";
import type { Review } from "./review";
import type { TurnView } from "./turnView";

type Given = Record<string, unknown> | undefined;

const OTHER = "Another model…";
const SET_KEY = "Set API Key…";
const USE_EDITORS = "Use the Editor's Language Models…";

export class Picks {
  constructor(
    private readonly desk: Desk,
    private readonly review: Review,
    private readonly view: TurnView,
    private readonly documents: Documents,
  ) {}

  entries(): Record<string, PaletteCommand> {
    const turn: PaletteCommand = { present: (result) => this.presentTurn(result) };
    const verbs = ["prompt", "ask", "explain", "fix", "document", "test", "refactor"];
    return {
      ...Object.fromEntries(verbs.map((verb) => [`copydesk.${verb}`, turn])),
      "copydesk.model.set": {
        prepare: (given) => this.chooseModel(given),
        present: (result) => this.presentSet("Model", result),
      },
      "copydesk.mode.set": {
        prepare: (given) => this.chooseMode(given),
        present: (result) => this.presentSet("Mode", result),
      },
      "copydesk.session.list": { present: (result) => this.presentSessions(result) },
      "copydesk.session.new": { present: () => said("New session: the next prompt begins it.") },
      "copydesk.status": { present: (result) => this.documents.show("Status.txt", statusReport(result)) },
      "copydesk.doctor": { present: (result) => this.documents.show("Doctor.txt", doctorReport(result)) },
      "copydesk.permissions": {
        prepare: (given) => Promise.resolve({ ...given, open: false }),
        present: (result) => this.presentPermissions(result),
      },
      "copydesk.cancel": { present: (result) => presentCancel(result) },
      "copydesk.undo": { present: (result) => this.presentUndo(result) },
      "copydesk.review.show": {
        prepare: (given) => Promise.resolve({ ...given, open: false }),
        present: (result) => this.review.show(pendingOf(result)),
      },
    };
  }

  /** A line to type in, sent to the session: it steers what runs there, or goes on with it. */
  async promptIn(session: string, title: string): Promise<void> {
    const words = await vscode.window.showInputBox({
      title,
      prompt: "Say what to do next in this session.",
      ignoreFocusOut: true,
    });
    if (words?.trim()) await this.prompt(words.trim(), session);
  }

  async prompt(words: string, session: string): Promise<void> {
    const started = await this.desk.server.execute<unknown>("copydesk.prompt", {
      text: words,
      ...(session ? { session } : {}),
    });
    await this.view.reveal(text(fields(started).turn));
  }

  private async presentTurn(result: unknown): Promise<void> {
    const turn = text(fields(result).turn);
    if (turn) await this.view.reveal(turn);
  }

  /** What is always allowed, or in a session; what is chosen is so no longer. */
  private async presentPermissions(result: unknown): Promise<void> {
    const answer = fields(result);
    const kept = objects(answer.folders).flatMap((folder) =>
      objects(folder.rules).map((each) => ({ label: text(each.rule), description: `always, in ${text(folder.path)}` })),
    );
    const ofSessions = objects(answer.sessions).flatMap((session) =>
      strings(session.rules).map((label) => ({ label, description: "in this session" })),
    );
    const rules = [...kept, ...ofSessions];
    if (!rules.length) return said("Nothing is allowed always, or in a session.");
    const options = { title: "Copydesk: what is allowed", placeHolder: "Choose what shall be so no longer" };
    const chosen = await vscode.window.showQuickPick(rules, options);
    if (!chosen) return;
    await this.desk.server.execute("copydesk.permissions", { forget: chosen.label, open: false });
    return said(`No longer allowed: ${chosen.label}`);
  }

  // --- models and modes ---

  private async chooseModel(given: Given): Promise<Given> {
    if (given?.model) return given;
    const models = modelChoices(await this.desk.server.execute("copydesk.models"));
    const other: ModelChoice = {
      label: OTHER,
      model: "",
      provider: "",
      isAvailable: true,
      description: "",
      detail: "By name, as provider/model.",
      group: "By name",
    };
    const chosen = await pick([...models, other], "Copydesk: select a model", "The model for the next turns");
    if (chosen === other) return this.typeModel();
    if (!chosen) return undefined;
    if (chosen.isAvailable) return { model: chosen.model };
    await offerHelp(chosen);
    return undefined;
  }

  private async typeModel(): Promise<Given> {
    const model = await vscode.window.showInputBox({
      title: "Copydesk: select a model",
      prompt: "provider/model, such as ollama/qwen3 or openai/gpt-5",
      ignoreFocusOut: true,
    });
    return model?.trim() ? { model: model.trim() } : undefined;
  }

  private async chooseMode(given: Given): Promise<Given> {
    if (given?.mode) return given;
    const chosen = await pick(modeChoices(this.desk.facts.mode), "Copydesk: set the mode", "What turns may do");
    return chosen && { mode: chosen.mode };
  }

  private async presentSet(what: string, result: unknown): Promise<void> {
    const now = fields(result);
    await said(`${what}: ${text(now.model) || text(now.mode)}`);
    await this.desk.learn();
  }

  // --- sessions ---

  private async presentSessions(result: unknown): Promise<void> {
    const fresh: SessionChoice = { label: "New session", session: "", description: "", detail: "", group: "" };
    const chosen = await pick(
      [fresh, ...sessionChoices(result, new Date())],
      "Copydesk: sessions",
      "Go on in a session",
    );
    if (!chosen) return;
    if (chosen !== fresh) return this.promptIn(chosen.session, chosen.label);
    const made = fields(await this.desk.server.execute<unknown>("copydesk.session.new"));
    await this.promptIn(text(made.session), "New session");
  }

  // --- undo ---

  /** The server has said it in a message; the turn's own view keeps it. */
  private presentUndo(result: unknown): Promise<void> {
    const { undone, kept, of } = fields(result);
    const files = objects(undone).map((each) => text(each.path));
    const stays = objects(kept).map((each) => `${text(each.path)}:${Number(each.line) + 1}: ${text(each.why)}`);
    if (files.length) this.desk.note(text(of), "info", `Undone in ${files.join(", ")}.`);
    if (stays.length) this.desk.note(text(of), "warning", `Kept: ${stays.join("\n")}`);
    return Promise.resolve();
  }
}

async function pick<T extends Choice>(
  choices: readonly T[],
  title: string,
  placeHolder: string,
): Promise<T | undefined> {
  const items: (vscode.QuickPickItem & { choice?: T })[] = [];
  let group = "";
  for (const choice of choices) {
    if (choice.group !== group) items.push({ label: choice.group, kind: vscode.QuickPickItemKind.Separator });
    group = choice.group;
    const { label, description, detail } = choice;
    items.push({ label, description, ...(detail ? { detail } : {}), choice });
  }
  const options = { title, placeHolder, matchOnDescription: true, matchOnDetail: true };
  return (await vscode.window.showQuickPick(items, options))?.choice;
}

/** Why the model does not answer, and what may help. */
async function offerHelp({ model, provider, detail }: ModelChoice): Promise<void> {
  const help = provider === "editor" ? USE_EDITORS : /key/i.test(detail) ? SET_KEY : undefined;
  const why = `Copydesk: ${model} is not available${detail ? `: ${detail}` : "."}`;
  const chosen = await vscode.window.showWarningMessage(why, ...(help ? [help] : []));
  if (chosen === SET_KEY) await vscode.commands.executeCommand("copydesk.client.setKey", provider);
  if (chosen === USE_EDITORS) await vscode.commands.executeCommand("copydesk.client.useEditorModel");
}

function presentCancel(result: unknown): Promise<void> {
  const { cancelled } = fields(result);
  const n = Array.isArray(cancelled) ? cancelled.length : 0;
  return said(n ? `Cancelled ${counted(n, "turn")}` : "Nothing runs");
}

/** In the status bar, for a moment: nothing to be clicked away. */
function said(words: string): Promise<void> {
  vscode.window.setStatusBarMessage(`Copydesk: ${words}`, 5_000);
  return Promise.resolve();
}
