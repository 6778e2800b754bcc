/** What waits for a decision, as the review commands answer it, and how a file of it is shown. Pure. */
import { type Fields, fields, objects, text } from "./reading";
import { counted } from "./words";

export interface PendingEntry {
  readonly session: string;
  readonly turn: string;
  readonly uri: string;
  readonly path: string;
  /** The document that has the file as it is proposed; empty where the server offers none. */
  readonly proposed: string;
  readonly kind: "change" | "create" | "delete" | "move";
  readonly movedFrom: string;
  readonly hunks: number;
  readonly held: number;
}

const KINDS: Readonly<Record<PendingEntry["kind"], string>> = {
  change: "",
  create: "new file",
  delete: "would be deleted",
  move: "would move",
};

/** The entries of an answer, one for each file of each session: turns of one session stand in one document. */
export function pendingOf(answer: unknown): PendingEntry[] {
  const entries = new Map<string, PendingEntry>();
  for (const each of objects(fields(answer).pending)) {
    const entry = entryOf(each);
    const key = entry.proposed || `${entry.session} ${entry.uri}`;
    const known = entries.get(key);
    if (!known) entries.set(key, entry);
    else {
      const kind = known.kind === "change" ? entry.kind : known.kind;
      const movedFrom = known.movedFrom || entry.movedFrom;
      const sum = { hunks: known.hunks + entry.hunks, held: known.held + entry.held };
      entries.set(key, { ...known, ...sum, kind, movedFrom });
    }
  }
  return [...entries.values()];
}

function entryOf(file: Fields): PendingEntry {
  const hunks = objects(file.hunks);
  const whole = hunks.find((hunk) => hunk.kind !== "change");
  const kind = text(whole?.kind);
  return {
    session: text(file.session),
    turn: text(file.turn),
    uri: text(file.uri),
    path: text(file.path),
    proposed: text(file.proposed),
    kind: kind === "create" || kind === "delete" || kind === "move" ? kind : "change",
    movedFrom: text(whole?.movedFrom),
    hunks: hunks.length,
    held: hunks.filter((hunk) => hunk.held === true).length,
  };
}

/** "2 hunks, 1 held back" */
export function entryDetail({ kind, hunks, held }: PendingEntry): string {
  const parts = [KINDS[kind], counted(hunks, "hunk"), held ? `${held} held back by what you typed` : ""];
  return parts.filter(Boolean).join(", ");
}

/** The file to compare with what is proposed; empty for one that does not exist yet. */
export function originalOf({ kind, uri, movedFrom }: PendingEntry): string {
  if (kind === "create") return "";
  return kind === "move" && movedFrom ? movedFrom : uri;
}

/** The file in which the server shows that something waits: for a move, its old place. */
export function seenIn(entry: PendingEntry): string {
  return entry.kind === "move" && entry.movedFrom ? entry.movedFrom : entry.uri;
}
