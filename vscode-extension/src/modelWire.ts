/**
 * `copydesk/editor/model`, between the server's words and those of the editor's language models. Pure: the editor's
 * classes are given as `Parts`.
 */
import { type Fields, fields, objects, text } from "./reading";

export interface StreamRequest {
  readonly model: string;
  readonly token: string | number;
  readonly system: string;
  readonly maxOutputTokens: number | undefined;
  readonly messages: readonly Fields[];
  readonly tools: readonly Tool[];
}

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
}

/** Makes the parts of the editor's messages. */
export interface Parts<Part> {
  text(text: string): Part;
  call(id: string, name: string, given: object): Part;
  result(id: string, text: string): Part;
}

export interface Message<Part> {
  readonly role: "user" | "assistant";
  readonly parts: Part[];
}

/** One part of an answer as it goes to the server. */
export type AnswerPart =
  | { readonly type: "text" | "thought"; readonly text: string }
  | { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly arguments: object };

export function readStream(params: unknown): StreamRequest | undefined {
  const given = fields(params);
  const token = given.partialResultToken;
  if (!text(given.model) || (typeof token !== "string" && typeof token !== "number")) return undefined;
  return {
    model: text(given.model),
    token,
    system: text(given.system),
    maxOutputTokens: typeof given.maxOutputTokens === "number" ? given.maxOutputTokens : undefined,
    messages: objects(given.messages),
    tools: objects(given.tools).map((tool) => ({
      name: text(tool.name),
      description: text(tool.description),
      inputSchema: fields(tool.schema),
    })),
  };
}

/** The editor's models know no system message: its text opens the conversation as the user's. */
export function toMessages<Part>(request: StreamRequest, parts: Parts<Part>): Message<Part>[] {
  const system: Message<Part>[] = request.system ? [{ role: "user", parts: [parts.text(request.system)] }] : [];
  const said = request.messages.map((message): Message<Part> => {
    const role = message.role === "assistant" ? "assistant" : "user";
    return { role, parts: objects(message.content).flatMap((part) => toPart(part, parts)) };
  });
  return [...system, ...said].filter((message) => message.parts.length > 0);
}

function toPart<Part>(part: Fields, parts: Parts<Part>): Part[] {
  switch (part.type) {
    case "text":
      return part.text ? [parts.text(text(part.text))] : [];
    case "tool_call":
      return [parts.call(text(part.id), text(part.name), fields(part.arguments))];
    case "tool_result": {
      // There is no mark for a failure: the text must say so.
      const said = part.isError === true ? `Error: ${text(part.text)}` : text(part.text);
      return [parts.result(text(part.id), said)];
    }
    default:
      // A thought of an earlier answer is nothing that these models take back.
      return [];
  }
}

const RATE = /rate.?limit|quota|too many requests|\b429\b/i;
const TOO_LONG = /too (long|large|many tokens)|context (length|window)|token limit|maximum.*tokens/i;

/** The `data.kind` of what went wrong; empty where it is nothing the server tells apart. */
export function errorKind(code: string, said: string): string {
  const known: Record<string, string> = { NoPermissions: "denied", NotFound: "unknown_model", Blocked: "blocked" };
  if (known[code]) return known[code];
  if (RATE.test(said)) return "rate_limited";
  return TOO_LONG.test(said) ? "overflow" : "";
}
