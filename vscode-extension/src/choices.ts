/** What the server lists, as entries to pick from: models, modes, sessions. Pure. */
import { costInWords } from "./turns";
import { type Fields, fields, objects, text, number } from "./reading";
import { counted, MODES, shortened } from "./words";

export interface Choice {
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly group: string;
}

export interface ModelChoice extends Choice {
  readonly model: string;
  readonly isAvailable: boolean;
  readonly provider: string;
}

export interface SessionChoice extends Choice {
  readonly session: string;
}

const AUTO = "The first that answers: what is set, a key, this machine's models, the editor's, then offline.";

/** Those that answer first; of the others, why not. */
export function modelChoices(answer: unknown): ModelChoice[] {
  const { models, current } = fields(answer);
  const all = objects(models).map((each) => modelChoice(each, text(current)));
  const isSet = text(current) === "auto";
  const auto: ModelChoice = {
    model: "auto",
    provider: "",
    isAvailable: true,
    label: "auto",
    description: isSet ? "current" : "",
    detail: AUTO,
    group: "Available",
  };
  return [auto, ...all.filter((each) => each.isAvailable), ...all.filter((each) => !each.isAvailable)];
}

function modelChoice(each: Fields, current: string): ModelChoice {
  const name = text(each.name);
  const isAvailable = each.available === true;
  const facts = [name === current ? "current" : "", each.local === true ? "on this machine" : ""];
  return {
    model: name,
    provider: text(each.provider),
    isAvailable,
    label: name,
    description: facts.filter(Boolean).join(", "),
    detail: text(each.why),
    group: isAvailable ? "Available" : "Not available",
  };
}

export function modeChoices(current: string): (Choice & { mode: string })[] {
  return MODES.map(({ mode, label, detail }) => ({
    mode,
    label,
    description: mode === current ? "current" : "",
    detail,
    group: "",
  }));
}

export function sessionChoices(answer: unknown, now: Date): SessionChoice[] {
  return objects(fields(answer).sessions).map((each) => {
    const facts = [age(text(each.updated), now), counted(number(each.turns), "turn"), costInWords(each.cost)];
    return {
      session: text(each.session),
      label: shortened(text(each.title), 80) || text(each.session),
      description: text(each.state),
      detail: facts.filter(Boolean).join(", "),
      group: "",
    };
  });
}

/** How long ago, in the largest unit that says something; empty for what is no time. */
export function age(time: string, now: Date): string {
  const minutes = (now.getTime() - Date.parse(time)) / 60_000;
  if (Number.isNaN(minutes)) return "";
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${counted(Math.floor(minutes), "minute")} ago`;
  if (minutes < 60 * 24) return `${counted(Math.floor(minutes / 60), "hour")} ago`;
  return `${counted(Math.floor(minutes / 60 / 24), "day")} ago`;
}
