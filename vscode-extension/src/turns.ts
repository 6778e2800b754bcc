/**
 * The turns of every session, folded from `copydesk/session/update` notifications.
 *
 * Owns what is remembered of a turn and how an update changes it; knows neither VS Code nor who shows it. Start with
 * `Turns.apply`. An update nobody knows changes nothing, for servers newer than this extension. Memory is bounded: the
 * last turns, so many items in each, so many characters in each item.
 */
import { type Fields, fields, number, objects, text } from "./reading";
import type { SessionUpdate } from "./server";
import type {
  CallStatus,
  Change,
  Evidence,
  Head,
  Item,
  Level,
  PendingFile,
  PermissionItem,
  Place,
  PlanEntry,
  TextItem,
  ToolItem,
  Turn,
} from "./turn";

export const MAX_TURNS = 20;
export const MAX_ITEMS = 1_000;
export const MAX_TEXT = 200_000;
export const MAX_OUTPUT = 4_000;
const STATES = ["asked", "allowed", "rejected", "cancelled"] as const;

export interface Applied {
  readonly turn: string;
  readonly kind: string;
  readonly changes: readonly Change[];
}

interface Kept {
  head: Head;
  items: Item[];
  nextId: number;
}

export class Turns {
  private readonly kept = new Map<string, Kept>();

  /** Takes one update. Undefined when it changed nothing. */
  apply({ session, turn, update }: SessionUpdate): Applied | undefined {
    if (!turn) return undefined;
    const kept = this.kept.get(turn) ?? this.start(session, turn);
    const changes = fold(kept, update);
    return changes.length ? { turn, kind: update.sessionUpdate, changes } : undefined;
  }

  get(turn: string): Turn | undefined {
    return this.kept.get(turn);
  }

  /** The oldest first. */
  all(): readonly Turn[] {
    return [...this.kept.values()];
  }

  get newest(): Turn | undefined {
    return this.all().at(-1);
  }

  running(): readonly Turn[] {
    return this.all().filter((turn) => turn.head.isRunning);
  }

  /** Adds a line of the extension's own to a turn. */
  note(turn: string, level: Level, text: string): Applied | undefined {
    const kept = this.kept.get(turn);
    return kept && { turn, kind: "notice", changes: add(kept, { type: "notice", level, text }) };
  }

  /** The server is gone: what ran runs no more, and will never say so. */
  stopAll(why: string): readonly Applied[] {
    const running = [...this.kept.values()].filter((kept) => kept.head.isRunning);
    return running.map((kept) => {
      const said = add(kept, { type: "notice", level: "warning", text: why });
      const changes = [...said, ...end(kept, { stopReason: "cancelled" })];
      return { turn: kept.head.turn, kind: "turn_ended", changes };
    });
  }

  private start(session: string, turn: string): Kept {
    const kept: Kept = { head: { ...EMPTY, session, turn }, items: [], nextId: 1 };
    this.kept.set(turn, kept);
    for (const [old, { head }] of this.kept) {
      if (this.kept.size <= MAX_TURNS) break;
      if (!head.isRunning) this.kept.delete(old);
    }
    return kept;
  }
}

const EMPTY: Head = {
  session: "",
  turn: "",
  verb: "",
  title: "Copydesk",
  model: "",
  mode: "",
  step: 0,
  maxSteps: 0,
  doing: "",
  isRunning: true,
  stopReason: "",
  error: "",
  tokens: 0,
  cost: "",
  cachedShare: 0,
  plan: [],
  evidence: [],
  reviewState: "none",
  files: [],
  pending: [],
  nDropped: 0,
};

// --- one update ---

function fold(kept: Kept, update: Fields): Change[] {
  switch (update.sessionUpdate) {
    case "agent_message_chunk":
      return append(kept, "text", chunk(update));
    case "agent_thought_chunk":
      return append(kept, "thought", chunk(update));
    case "user_message_chunk":
      return append(kept, "user", chunk(update));
    case "tool_call":
      return toolCall(kept, update);
    case "tool_call_update":
      return toolCallUpdate(kept, update);
    case "permission":
      return permission(kept, update);
    case "notice":
      return add(kept, { type: "notice", level: level(update.level), text: text(update.text) });
    case "retried":
      return add(kept, { type: "notice", level: "warning", text: retried(update) });
    case "turn_ended":
      return end(kept, update);
    default:
      return foldHead(kept, update);
  }
}

function foldHead(kept: Kept, update: Fields): Change[] {
  switch (update.sessionUpdate) {
    case "turn_started":
      return setHead(kept, {
        verb: text(update.verb),
        title: text(update.title) || kept.head.title,
        model: text(update.model),
        mode: text(update.mode),
      });
    case "model_chosen":
      return setHead(kept, { model: text(update.model) });
    case "step_started":
      return setHead(kept, { step: number(update.step), maxSteps: number(update.maxSteps), doing: "" });
    case "plan":
      return setHead(kept, { plan: objects(update.entries).map(planEntry) });
    case "evidence":
      return setHead(kept, { evidence: evidenceOf(update) });
    case "usage_update":
      return setHead(kept, usage(kept.head, update.total ?? update.usage));
    case "review":
      return setHead(kept, review(update));
    default:
      return [];
  }
}

function setHead(kept: Kept, changed: Partial<Head>): Change[] {
  kept.head = { ...kept.head, ...changed };
  return [{ type: "head", head: kept.head }];
}

type Bare = Item extends infer Each ? (Each extends Item ? Omit<Each, "id"> : never) : never;

function add(kept: Kept, bare: Bare): Change[] {
  const item = { ...bare, id: kept.nextId++ } as Item;
  kept.items.push(item);
  if (kept.items.length <= MAX_ITEMS) return [{ type: "item", item }];
  kept.items.shift();
  return [{ type: "item", item }, ...setHead(kept, { nDropped: kept.head.nDropped + 1 })];
}

function replace(kept: Kept, item: Item): Change[] {
  kept.items = kept.items.map((each) => (each.id === item.id ? item : each));
  return [{ type: "item", item }];
}

/** Joins the last item where that is of the same kind: chunks are pieces of one text. */
function append(kept: Kept, type: TextItem["type"], added: string): Change[] {
  if (!added) return [];
  const last = kept.items.at(-1);
  if (last?.type !== type || type === "user") return add(kept, { type, ...cut(added) });
  if (last.isCut) return [];
  const whole = { ...last, ...cut(last.text + added) };
  kept.items[kept.items.length - 1] = whole;
  return whole.isCut ? [{ type: "item", item: whole }] : [{ type: "append", id: last.id, text: added }];
}

function cut(whole: string): { text: string; isCut: boolean } {
  return whole.length > MAX_TEXT ? { text: whole.slice(0, MAX_TEXT), isCut: true } : { text: whole, isCut: false };
}

// --- tool calls ---

function toolCall(kept: Kept, update: Fields): Change[] {
  const title = text(update.title);
  const added = add(kept, {
    type: "tool",
    call: text(update.toolCallId),
    title,
    kind: text(update.kind),
    status: callStatus(update.status),
    places: objects(update.locations).map(placeOf),
    output: "",
  });
  return [...added, ...setHead(kept, { doing: title })];
}

function toolCallUpdate(kept: Kept, update: Fields): Change[] {
  const call = update.toolCallId;
  const item = kept.items.findLast((each): each is ToolItem => each.type === "tool" && each.call === call);
  if (!item) return [];
  const output = objects(update.content)
    .map((part) => text(fields(part.content).text))
    .join("\n");
  return replace(kept, {
    ...item,
    status: callStatus(update.status),
    output: output ? clipped(output) : item.output,
  });
}

function clipped(output: string): string {
  return output.length > MAX_OUTPUT
    ? `${output.slice(0, MAX_OUTPUT)}\n… (${output.length - MAX_OUTPUT} characters more)`
    : output;
}

function placeOf(place: Fields): Place {
  const at = { path: text(place.path), uri: text(place.uri) };
  return typeof place.line === "number" ? { ...at, line: place.line } : at;
}

// --- permission, review, end ---

function permission(kept: Kept, update: Fields): Change[] {
  const request = fields(update.request);
  const id = text(request.id);
  const state = STATES.find((each) => each === update.state) ?? "asked";
  const reason = text(update.reason);
  const known = kept.items.find((each): each is PermissionItem => each.type === "permission" && each.request === id);
  if (known) return replace(kept, { ...known, state, reason: reason || known.reason });
  const title = text(request.command) || text(request.title) || text(request.tool);
  const options = objects(request.options).map((each) => ({ id: text(each.optionId), name: text(each.name) }));
  return add(kept, {
    type: "permission",
    request: id,
    title,
    text: text(request.text) || `Copydesk asks: ${title}`,
    whole: text(request.whole) || title,
    state,
    reason,
    options: options.filter((each) => each.id && each.name),
  });
}

function review(update: Fields): Partial<Head> {
  const changed = {
    reviewState: text(update.state) || "none",
    files: objects(update.files).map((file) => ({
      uri: text(file.uri),
      state: text(file.state),
      hunks: number(file.hunks),
      note: text(file.note),
    })),
  };
  return "hunksPending" in update ? { ...changed, pending: objects(update.hunksPending).map(pendingOf) } : changed;
}

function pendingOf(file: Fields): PendingFile {
  return { uri: text(file.uri), path: text(file.path), hunks: objects(file.hunks).length };
}

function end(kept: Kept, update: Fields): Change[] {
  const head = setHead(kept, {
    isRunning: false,
    doing: "",
    stopReason: text(update.stopReason),
    error: text(update.error),
    ...(update.usage ? usage(kept.head, update.usage) : {}),
  });
  return [...restOfMessage(kept, text(update.message)), ...head];
}

/** The last words, where chunks were let go on the way, or where the server added to what the model said. */
function restOfMessage(kept: Kept, message: string): Change[] {
  if (!message.trim()) return [];
  const said = kept.items.flatMap((item) => (item.type === "text" ? [item.text] : []));
  if (said.some((each) => each.includes(message.trim()))) return [];
  const last = said.at(-1)?.trim();
  const rest = last && message.startsWith(last) ? message.slice(last.length).trim() : message;
  return rest ? add(kept, { type: "text", ...cut(rest) }) : [];
}

/** The turn's: what stands beside it in `cost` is the session's. */
function usage(head: Head, total: unknown): Partial<Head> {
  const { totalTokens, cachedShare, cost } = fields(total);
  const tokens = number(totalTokens) || head.tokens;
  return { tokens, cachedShare: number(cachedShare) || head.cachedShare, cost: costInWords(cost) || head.cost };
}

/** As the server says it: `$0.0042` below a cent, `$0.042` below ten, `$4.20` above. */
export function costInWords(cost: unknown): string {
  if (typeof cost === "number") {
    if (cost <= 0) return "";
    if (cost < 0.0001) return "< $0.0001";
    return `$${cost.toFixed(cost < 0.00995 ? 4 : cost < 0.0995 ? 3 : 2)}`;
  }
  const { amount, currency } = fields(cost);
  if (typeof amount !== "number" || amount <= 0) return "";
  return text(currency) && currency !== "USD" ? `${amount.toFixed(4)} ${text(currency)}` : costInWords(amount);
}

function planEntry(entry: Fields): PlanEntry {
  return { content: text(entry.content), status: text(entry.status) };
}

function evidenceOf(update: Fields): Evidence[] {
  return objects(update.runs).map((run) => ({
    title: text(run.text).replaceAll("`", ""),
    state: text(run.state),
    detail: text(run.state) === "new_failures" ? clipped(text(run.output)) : "",
  }));
}

function retried(update: Fields): string {
  const seconds = Math.round(number(update.delayMs) / 100) / 10;
  return `The model did not answer (${text(update.why)}); attempt ${number(update.attempt)} in ${seconds} s.`;
}

function chunk(update: Fields): string {
  return text(fields(update.content).text);
}

function level(value: unknown): Level {
  return value === "warning" || value === "error" ? value : "info";
}

function callStatus(value: unknown): CallStatus {
  return value === "in_progress" || value === "completed" || value === "failed" ? value : "pending";
}
