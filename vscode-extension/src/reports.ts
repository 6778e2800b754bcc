/** The answers of `copydesk.doctor` and `copydesk.status` as text to be read, line by line. Pure. */
import { fields, number, objects, strings, text } from "./reading";
import { counted, titleOf } from "./words";

const WIDTH = 90;
const LEVELS: Readonly<Record<string, string>> = { ok: "✓", note: "•", problem: "✗" };

export function doctorReport(answer: unknown): string {
  const findings = objects(fields(answer).findings);
  const problems = findings.filter((each) => each.level === "problem").length;
  const lines = findings.flatMap((each) => {
    const level = text(each.level);
    const said = `${LEVELS[level] ?? "•"} ${text(each.subject)}${level === "ok" ? "" : ` (${level})`}: ${text(each.text)}`;
    const advice = text(each.advice);
    return [...wrapped(said, "    "), ...(advice ? wrapped(`    → ${advice}`, "      ") : [])];
  });
  const summary = problems ? `${counted(problems, "problem")} found.` : "No problems found.";
  return ["Copydesk: Doctor", "", summary, "", ...lines, ""].join("\n");
}

export function statusReport(answer: unknown): string {
  const status = fields(answer);
  const model = fields(status.model);
  const counts = fields(status.counts);
  const running = objects(status.running).map((turn) => {
    const step = number(turn.step) ? `step ${number(turn.step)} of ${number(turn.maxSteps)}` : "starting";
    return `    ${titleOf(text(turn.title))}: ${[step, text(turn.doing)].filter(Boolean).join(", ")}`;
  });
  const spending = text(fields(status.spending).text);
  const configured = text(model.configured);
  const lines = [
    `Server            ${text(status.version)}`,
    `Model             ${text(model.name)}${configured && configured !== text(model.name) ? ` (set: ${configured})` : ""}`,
    ...(text(model.problem) ? [`                  ${text(model.problem)}`] : []),
    `Mode              ${text(status.mode)}`,
    `Sandbox           ${text(status.sandbox)}`,
    ...(spending ? [`Spent             ${spending}`] : []),
    `Position encoding ${text(status.positionEncoding)}`,
    `Current session   ${text(status.session) || "none"}`,
    `Sessions          ${number(counts.sessions)}`,
    `Hunks to review   ${number(counts.pending)}`,
    `Running           ${running.length ? counted(running.length, "turn") : "nothing"}`,
    ...running,
    "",
    "Can do",
    ...strings(status.capabilities).map((each) => `    ${each}`),
  ];
  return ["Copydesk: Status", "", ...lines, ""].join("\n");
}

/** Lines that fit beside other things, the later ones indented; a word that is longer stays whole. */
export function wrapped(line: string, indent: string): string[] {
  const lines = [""];
  for (const word of line.split(/(?<=\S) +/)) {
    const last = lines.at(-1) ?? "";
    if (last.trim() && last.length + 1 + word.length > WIDTH) lines.push(indent + word);
    else lines[lines.length - 1] = last.trim() ? `${last} ${word}` : last + word;
  }
  return lines;
}
