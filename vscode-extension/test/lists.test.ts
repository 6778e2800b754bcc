import assert from "node:assert/strict";
import { test } from "node:test";
import { age, modelChoices, modeChoices, sessionChoices } from "../src/choices";
import { DialogKind, dialogKind } from "../src/dialogs";
import { entryDetail, originalOf, pendingOf, seenIn } from "../src/pending";
import { doctorReport, statusReport, wrapped } from "../src/reports";
import { placeLabel, shortened, uriLabel, waitingOf } from "../src/words";

test("models: auto, then what answers, then what does not and why", () => {
  const models = [
    { name: "openai/gpt-5", provider: "openai", available: false, why: "no key" },
    { name: "offline", provider: "offline", available: true, why: "", local: true },
  ];
  const choices = modelChoices({ models, current: "offline" });
  assert.deepEqual(
    choices.map((each) => each.model),
    ["auto", "offline", "openai/gpt-5"],
  );
  assert.equal(choices[1]?.description, "current, on this machine");
  assert.deepEqual([choices[2]?.detail, choices[2]?.group], ["no key", "Not available"]);
  assert.equal(modelChoices(null).length, 1);
});

test("four modes, each explained", () => {
  const modes = modeChoices("plan");
  assert.deepEqual(
    modes.map((each) => each.mode),
    ["plan", "ask", "acceptEdits", "auto"],
  );
  assert.ok(modes.every((each) => each.detail));
  assert.equal(modes[0]?.description, "current");
});

test("sessions with what they cost and how old they are", () => {
  const now = new Date("2026-01-02T12:00:00Z");
  const sessions = [
    { session: "s-1", title: "Fix  x\nand y", updated: "2026-01-02T10:00:00Z", turns: 3, cost: 0.5, state: "idle" },
    { session: "s-2", title: "", updated: "never", turns: 1, cost: 0, state: "" },
  ];
  const [first, second] = sessionChoices({ sessions }, now);
  assert.deepEqual([first?.label, first?.detail], ["Fix x and y", "2 hours ago, 3 turns, $0.50"]);
  assert.deepEqual([second?.label, second?.detail], ["s-2", "1 turn"]);
  assert.equal(age("2026-01-02T11:59:40Z", now), "just now");
  assert.equal(age("2025-12-30T12:00:00Z", now), "3 days ago");
});

test("few short choices are buttons, others a list, none a line", () => {
  assert.equal(dialogKind(["the first", "the second"]), DialogKind.Buttons);
  assert.equal(dialogKind(["a", "b", "c", "d"]), DialogKind.Pick);
  assert.equal(dialogKind(["a".repeat(80)]), DialogKind.Pick);
  assert.equal(dialogKind([]), DialogKind.Text);
});

const FILE = {
  session: "s",
  turn: "t-1",
  uri: "file:///p/a.py",
  path: "a.py",
  proposed: "copydesk:/proposed/s/k/a.py",
};

test("turns of one session stand in one document", () => {
  const pending = [
    { ...FILE, hunks: [{ kind: "change" }, { kind: "change", held: true }] },
    { ...FILE, turn: "t-2", hunks: [{ kind: "change" }] },
    { ...FILE, session: "s2", proposed: "copydesk:/proposed/s2/k/a.py", hunks: [{ kind: "change" }] },
  ];
  const entries = pendingOf({ pending });
  assert.equal(entries.length, 2);
  assert.equal(entries[0] && entryDetail(entries[0]), "3 hunks, 1 held back by what you typed");
});

test("what is compared: nothing with a new file, the old place with a moved one", () => {
  const of = (hunk: object) => pendingOf({ pending: [{ ...FILE, hunks: [hunk] }] })[0] ?? assert.fail("no entry");
  assert.equal(originalOf(of({ kind: "create" })), "");
  assert.equal(originalOf(of({ kind: "delete" })), FILE.uri);
  const moved = of({ kind: "move", movedFrom: "file:///p/old.py" });
  assert.equal(originalOf(moved), "file:///p/old.py");
  assert.equal(seenIn(moved), "file:///p/old.py");
  assert.equal(originalOf(of({ kind: "change" })), FILE.uri);
  assert.deepEqual(pendingOf("nonsense"), []);
});

test("the doctor's findings, with advice", () => {
  const findings = [
    { level: "ok", subject: "git", text: "/usr/bin/git", advice: "" },
    { level: "problem", subject: "grammars", text: "missing: go", advice: "pip install tree-sitter-go" },
  ];
  const report = doctorReport({ findings });
  assert.match(report, /1 problem found/);
  assert.match(report, /✗ grammars \(problem\): missing: go\n {4}→ pip install/);
});

test("the status, with what runs", () => {
  const running = [{ turn: "t", title: "Copydesk: Fix x", step: 2, maxSteps: 50, doing: "Read a.py" }];
  const report = statusReport({ version: "1", mode: "ask", model: { name: "offline", configured: "auto" }, running });
  assert.match(report, /offline \(set: auto\)/);
  assert.match(report, /Fix x: step 2 of 50, Read a\.py/);
});

test("long lines are wrapped, words and margins are kept", () => {
  const lines = wrapped(`    → ${"word ".repeat(40)}${"x".repeat(120)}`, "      ");
  assert.ok(lines.slice(0, -1).every((line) => line.length <= 90));
  assert.ok(lines[0]?.startsWith("    → word"));
  assert.ok(lines.slice(1).every((line) => line.startsWith("      ")));
  assert.equal(lines.at(-1)?.trim(), "x".repeat(120));
});

test("words", () => {
  assert.equal(waitingOf([{ uri: "u", path: "a.py", hunks: 1 }]), "1 hunk in a.py waits for you");
  assert.equal(placeLabel("/p/src/a.py", 4), "a.py:5");
  assert.equal(uriLabel("file:///p/%E9"), "%E9");
  assert.equal(shortened("a  b\nc", 10), "a b c");
});
