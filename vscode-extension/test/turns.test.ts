import assert from "node:assert/strict";
import { test } from "node:test";
import type { Item } from "../src/turn";
import { costInWords, MAX_ITEMS, MAX_TEXT, MAX_TURNS, Turns } from "../src/turns";

let seq = 0;

function feed(turns: Turns, turn: string, ...updates: { sessionUpdate: string; [key: string]: unknown }[]) {
  return updates.map((update) => turns.apply({ session: "s-1", turn, seq: ++seq, update }));
}

const said = (text: string) => ({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
const ended = (message: string) => ({ sessionUpdate: "turn_ended", stopReason: "end_turn", message });

function items(turns: Turns, turn = "t-1"): readonly Item[] {
  return turns.get(turn)?.items ?? [];
}

test("a turn is told by its updates", () => {
  const turns = new Turns();
  feed(
    turns,
    "t-1",
    { sessionUpdate: "turn_started", verb: "fix", title: "Copydesk: Fix x", model: "auto", mode: "ask" },
    { sessionUpdate: "model_chosen", model: "offline" },
    { sessionUpdate: "step_started", step: 2, maxSteps: 50 },
    {
      sessionUpdate: "tool_call",
      toolCallId: "c1",
      title: "Read a.py",
      kind: "read",
      status: "pending",
      locations: [{ path: "/p/a.py", uri: "file:///p/a.py", line: 3 }],
    },
  );
  const { head } = turns.get("t-1") ?? assert.fail("no turn");
  assert.equal(head.title, "Copydesk: Fix x");
  assert.equal(head.model, "offline");
  assert.equal(head.step, 2);
  assert.equal(head.doing, "Read a.py");
  assert.equal(head.isRunning, true);
  const [call] = items(turns);
  assert.ok(call?.type === "tool");
  assert.deepEqual(call.places, [{ path: "/p/a.py", uri: "file:///p/a.py", line: 3 }]);
});

test("chunks join to one text, and only what is new is told", () => {
  const turns = new Turns();
  const [first, second] = feed(turns, "t-1", said("Hello, "), said("you."));
  assert.equal(first?.changes[0]?.type, "item");
  assert.deepEqual(second?.changes, [{ type: "append", id: 1, text: "you." }]);
  assert.equal(items(turns).length, 1);
});

test("a tool call between two texts keeps them apart", () => {
  const turns = new Turns();
  feed(turns, "t-1", said("a"), { sessionUpdate: "tool_call", toolCallId: "c", title: "T" }, said("b"));
  assert.deepEqual(
    items(turns).map((item) => item.type),
    ["text", "tool", "text"],
  );
});

test("a tool call's update finds its call, and keeps the output it had", () => {
  const turns = new Turns();
  const content = [{ type: "content", content: { type: "text", text: "12 lines" } }];
  feed(
    turns,
    "t-1",
    { sessionUpdate: "tool_call", toolCallId: "c1", title: "Read a.py", status: "pending" },
    { sessionUpdate: "tool_call_update", toolCallId: "c1", status: "in_progress", content },
    { sessionUpdate: "tool_call_update", toolCallId: "c1", status: "completed" },
  );
  const [call] = items(turns);
  assert.ok(call?.type === "tool");
  assert.equal(call.status, "completed");
  assert.equal(call.output, "12 lines");
});

test("the last message adds only what was not said", () => {
  const turns = new Turns();
  feed(turns, "t-1", said("Done."), ended("Done. Changed, not saved: a.py."));
  assert.deepEqual(
    items(turns).map((item) => item.type === "text" && item.text),
    ["Done.", "Changed, not saved: a.py."],
  );
  feed(turns, "t-2", said("Done."), ended("Done."));
  assert.equal(items(turns, "t-2").length, 1);
  feed(turns, "t-3", ended("All of it."));
  assert.equal(items(turns, "t-3").length, 1);
  assert.equal(turns.get("t-3")?.head.isRunning, false);
});

test("a review without hunksPending leaves what was known to wait", () => {
  const turns = new Turns();
  const hunksPending = [{ uri: "file:///a", path: "a", hunks: [{}, {}] }];
  feed(turns, "t-1", { sessionUpdate: "review", state: "pending", files: [], hunksPending });
  assert.deepEqual(turns.get("t-1")?.head.pending, [{ uri: "file:///a", path: "a", hunks: 2 }]);
  feed(turns, "t-1", { sessionUpdate: "review", state: "applied", files: [] });
  assert.equal(turns.get("t-1")?.head.pending.length, 1);
  feed(turns, "t-1", { sessionUpdate: "review", state: "applied", files: [], hunksPending: [] });
  assert.equal(turns.get("t-1")?.head.pending.length, 0);
});

test("a permission is one item, asked and answered", () => {
  const turns = new Turns();
  const options = [{ optionId: "allow_once", kind: "allow_once", name: "Allow once" }, { name: "of another year" }];
  const request = {
    id: "p1",
    title: "Run make",
    command: "make",
    text: "May it? make",
    whole: "make, all of it",
    options,
  };
  feed(turns, "t-1", { sessionUpdate: "permission", state: "asked", request });
  const [asked] = items(turns);
  assert.ok(asked?.type === "permission");
  assert.deepEqual(
    [asked.state, asked.title, asked.text, asked.whole, asked.options],
    ["asked", "make", "May it? make", "make, all of it", [{ id: "allow_once", name: "Allow once" }]],
  );
  feed(turns, "t-1", { sessionUpdate: "permission", state: "rejected", request: { id: "p1" }, reason: "not now" });
  assert.equal(items(turns).length, 1);
  const [item] = items(turns);
  assert.ok(item?.type === "permission");
  assert.deepEqual([item.state, item.reason, item.title], ["rejected", "not now", "make"]);
});

test("a permission whose turn was stopped is not asked any more", () => {
  const turns = new Turns();
  feed(
    turns,
    "t-1",
    { sessionUpdate: "permission", state: "asked", request: { id: "p1", title: "Run make" } },
    { sessionUpdate: "permission", state: "cancelled", request: { id: "p1" } },
  );
  const [item] = items(turns);
  assert.ok(item?.type === "permission");
  assert.equal(item.state, "cancelled");
});

test("what nobody knows changes nothing; what is broken breaks nothing", () => {
  const turns = new Turns();
  assert.deepEqual(feed(turns, "t-1", { sessionUpdate: "of_next_year", what: 1 }), [undefined]);
  feed(
    turns,
    "t-1",
    { sessionUpdate: "tool_call", locations: "no list" },
    { sessionUpdate: "plan", entries: [null, 3] },
    { sessionUpdate: "usage_update", total: null },
    { sessionUpdate: "agent_message_chunk" },
    { sessionUpdate: "review", files: [null], hunksPending: null },
  );
  assert.equal(turns.get("t-1")?.head.isRunning, true);
  assert.equal(feed(turns, "", said("of no turn"))[0], undefined);
});

test("memory is bounded in turns, items and characters", () => {
  const turns = new Turns();
  for (let n = 0; n < MAX_TURNS + 5; n++) feed(turns, `t-${n}`, ended("x"));
  assert.equal(turns.all().length, MAX_TURNS);
  assert.equal(turns.get("t-0"), undefined);

  const notice = { sessionUpdate: "notice", level: "info", text: "n" };
  for (let n = 0; n < MAX_ITEMS + 3; n++) feed(turns, "t-many", notice);
  assert.equal(items(turns, "t-many").length, MAX_ITEMS);
  assert.equal(turns.get("t-many")?.head.nDropped, 3);

  feed(turns, "t-long", said("x".repeat(MAX_TEXT)), said("yy"), said("zz"));
  const [long] = items(turns, "t-long");
  assert.ok(long?.type === "text");
  assert.equal(long.text.length, MAX_TEXT);
  assert.equal(long.isCut, true);
});

test("a turn that runs is kept, however old", () => {
  const turns = new Turns();
  feed(turns, "t-running", said("x"));
  for (let n = 0; n < MAX_TURNS + 5; n++) feed(turns, `t-${n}`, ended("x"));
  assert.ok(turns.get("t-running"));
});

test("when the server is gone, nothing runs any more and the turn says why", () => {
  const turns = new Turns();
  feed(turns, "t-1", said("x"));
  feed(turns, "t-2", ended("x"));
  assert.deepEqual(
    turns.stopAll("The server stopped.").map((each) => each.turn),
    ["t-1"],
  );
  assert.equal(turns.running().length, 0);
  const last = items(turns).at(-1);
  assert.ok(last?.type === "notice" && last.text === "The server stopped.");
});

test("costs in words", () => {
  assert.equal(costInWords(0.00421), "$0.0042");
  assert.equal(costInWords(0.012345), "$0.012");
  assert.equal(costInWords(0.00996), "$0.010");
  assert.equal(costInWords(0.00001), "< $0.0001");
  assert.equal(costInWords({ amount: 1.5, currency: "USD" }), "$1.50");
  assert.equal(costInWords({ amount: 2, currency: "EUR" }), "2.0000 EUR");
  assert.equal(costInWords(0), "");
  assert.equal(costInWords(undefined), "");
});

test("evidence is a line for each run, and the output of what fails anew", () => {
  const turns = new Turns();
  const run = { text: "`pytest` 2 → 2 passed (ev-1)", state: "passed", output: "", stale: false };
  const bad = { text: "`mypy` 0 found → 1 found (ev-2)", state: "new_failures", output: "a.py:1: no", stale: false };
  feed(turns, "t-1", { sessionUpdate: "evidence", state: "new_failures", runs: [run, bad], files: [] });
  assert.deepEqual(turns.get("t-1")?.head.evidence, [
    { title: "pytest 2 → 2 passed (ev-1)", state: "passed", detail: "" },
    { title: "mypy 0 found → 1 found (ev-2)", state: "new_failures", detail: "a.py:1: no" },
  ]);
  feed(turns, "t-1", { sessionUpdate: "evidence" });
  assert.deepEqual(turns.get("t-1")?.head.evidence, []);
});
