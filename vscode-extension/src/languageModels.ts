/**
 * The editor's own language models for the server: `copydesk/editor/model`, served by `vscode.lm`.
 *
 * Owns the person's consent. Nothing is sent to a model before they have agreed in `copydesk.client.useEditorModel`;
 * VS Code asks once more itself. Start with `serveLanguageModels`.
 */
import * as vscode from "vscode";
import { AnswerError } from "./errors";
import {
  type AnswerPart,
  errorKind,
  type Message,
  type Parts,
  readStream,
  type StreamRequest,
  toMessages,
} from "./modelWire";
import { fields, reasonOf } from "./reading";
import type { Server } from "./server";

const CONSENT = "copydesk.useEditorModel";
const JUSTIFICATION = "Copydesk answers your prompt with this model.";

type Part = vscode.LanguageModelTextPart | vscode.LanguageModelToolCallPart | vscode.LanguageModelToolResultPart;

const PARTS: Parts<Part> = {
  text: (text) => new vscode.LanguageModelTextPart(text),
  call: (id, name, given) => new vscode.LanguageModelToolCallPart(id, name, given),
  result: (id, text) => new vscode.LanguageModelToolResultPart(id, [new vscode.LanguageModelTextPart(text)]),
};

export function serveLanguageModels(
  server: Server,
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): vscode.Disposable {
  const consent = vscode.commands.registerCommand("copydesk.client.useEditorModel", () => askConsent(context));
  // Older editors, and forks of them, have no language models.
  if (!hasModels()) return consent;
  const served = server.onRequest("copydesk/editor/model", async (params: unknown, token) => {
    if (fields(params).action === "list") return { models: await list(context) };
    const request = readStream(params);
    if (!request) throw new Error("copydesk/editor/model needs a model and a partialResultToken.");
    if (!hasAgreed(context)) {
      const why = "The editor's models may not be used yet: agree in 'Copydesk: Use the Editor's Language Models…'.";
      throw new AnswerError(why, { kind: "denied" });
    }
    try {
      return await stream(request, server, token);
    } catch (error) {
      throw translated(error, log);
    }
  });
  return vscode.Disposable.from(consent, served);
}

function hasModels(): boolean {
  return "lm" in vscode;
}

// --- consent ---

function hasAgreed(context: vscode.ExtensionContext): boolean {
  return context.globalState.get(CONSENT) === true;
}

async function askConsent(context: vscode.ExtensionContext): Promise<void> {
  const models = hasModels() ? await vscode.lm.selectChatModels() : [];
  if (hasAgreed(context)) {
    const names = models.map((model) => model.name).join(", ") || "none at the moment";
    const said = `Copydesk may use this editor's language models (${names}).`;
    const chosen = await vscode.window.showInformationMessage(said, "Select Model…", "Stop Using Them");
    if (chosen === "Stop Using Them") await context.globalState.update(CONSENT, false);
    if (chosen === "Select Model…") await vscode.commands.executeCommand("copydesk.model.set");
    return;
  }
  const names = models.map((model) => model.name).join(", ");
  const detail = [
    names ? `This editor offers: ${names}.` : "This editor offers no language models at the moment.",
    "Your prompts, and the files that a turn reads, are then sent to the model's provider, and count against your plan there.",
    "VS Code asks once more before the first use. You can take this back with the same command.",
  ].join("\n\n");
  const title = "Let Copydesk use the editor's language models?";
  const chosen = await vscode.window.showInformationMessage(title, { modal: true, detail }, "Agree");
  if (chosen !== "Agree") return;
  await context.globalState.update(CONSENT, true);
  await vscode.commands.executeCommand("copydesk.model.set");
}

// --- what there is ---

async function list(context: vscode.ExtensionContext): Promise<object[]> {
  const models = await vscode.lm.selectChatModels();
  const access = context.languageModelAccessInformation;
  return models.map((model) => ({
    id: idOf(model),
    title: model.name,
    maxInputTokens: model.maxInputTokens,
    tools: true,
    // Undefined: VS Code has not asked yet, and will at the first use.
    allowed: hasAgreed(context) && access.canSendRequest(model) !== false,
  }));
}

function idOf(model: vscode.LanguageModelChat): string {
  return `${model.vendor}/${model.id}`;
}

// --- one answer ---

async function stream(request: StreamRequest, server: Server, token: vscode.CancellationToken): Promise<object> {
  const models = await vscode.lm.selectChatModels();
  const model = models.find((each) => idOf(each) === request.model);
  if (!model) throw vscode.LanguageModelError.NotFound(`The editor has no model ${request.model}.`);
  const messages = toMessages(request, PARTS).map(messageOf);
  const response = await model.sendRequest(messages, optionsOf(request), token);
  for await (const part of response.stream) {
    if (token.isCancellationRequested) break;
    const value = answerPart(part);
    if (value) server.notify("$/progress", { token: request.token, value });
  }
  // What was sent last must be on its way before the answer overtakes it.
  await new Promise((resolve) => setTimeout(resolve, 0));
  return { content: [], stopReason: token.isCancellationRequested ? "cancelled" : "end_turn" };
}

function messageOf({ role, parts }: Message<Part>): vscode.LanguageModelChatMessage {
  const { User, Assistant } = vscode.LanguageModelChatMessageRole;
  return new vscode.LanguageModelChatMessage(role === "user" ? User : Assistant, parts);
}

function optionsOf({ tools, maxOutputTokens }: StreamRequest): vscode.LanguageModelChatRequestOptions {
  return {
    justification: JUSTIFICATION,
    ...(tools.length ? { tools: [...tools] } : {}),
    ...(maxOutputTokens ? { modelOptions: { max_tokens: maxOutputTokens } } : {}),
  };
}

/** Undefined for a part of a kind that is newer than this. */
function answerPart(part: unknown): AnswerPart | undefined {
  if (part instanceof vscode.LanguageModelTextPart) return { type: "text", text: part.value };
  if (part instanceof vscode.LanguageModelToolCallPart) {
    return { type: "tool_call", id: part.callId, name: part.name, arguments: part.input };
  }
  return undefined;
}

function translated(error: unknown, log: vscode.LogOutputChannel): Error {
  const code = error instanceof vscode.LanguageModelError ? error.code : "";
  const cause = error instanceof Error && error.cause ? `: ${reasonOf(error.cause)}` : "";
  const said = `${reasonOf(error)}${cause}`;
  const kind = errorKind(code, said);
  log.info(`The editor's model failed (${code || "no code"}): ${said}`);
  return new AnswerError(said, kind ? { kind } : {});
}
