import assert from "node:assert/strict";
import { test } from "node:test";
import { type Situation, statusLine } from "../src/statusLine";
import { Turns } from "../src/turns";

const IDLE: Situation = {
  server: "running",
  running: [],
  questions: [],
  pending: 0,
  model: "offline",
  mode: "ask",
  problem: "",
  spending: "",
};

function heads(title: string, doing = "") {
  const turns = new Turns();
  const feed = (update: { sessionUpdate: string; [key: string]: unknown }) =>
    turns.apply({ session: "s", turn: "t", seq: 1, update });
  feed({ sessionUpdate: "turn_started", title, mode: "ask", model: "m" });
  feed({ sessionUpdate: "step_started", step: 2, maxSteps: 50 });
  if (doing) feed({ sessionUpdate: "tool_call", toolCallId: "c", title: doing });
  return turns.running().map((turn) => turn.head);
}

test("what the server is comes first", () => {
  assert.match(statusLine({ ...IDLE, server: "starting", pending: 3 }).label, /starting/);
  const failed = statusLine({ ...IDLE, server: "failed" });
  assert.equal(failed.emphasis, "error");
  assert.match(failed.tooltip.join(" "), /log and a restart/);
});

test("idle says so, and which model", () => {
  const line = statusLine(IDLE);
  assert.equal(line.label, "Copydesk: idle. Model: offline");
  assert.equal(line.text, "Copydesk");
});

test("a running turn shows its step; a question is more urgent, hunks are less", () => {
  const running = heads("Copydesk: Fix x", "Read a.py");
  assert.equal(statusLine({ ...IDLE, running, pending: 2 }).text, "Copydesk: step 2: Read a.py");
  assert.match(statusLine({ ...IDLE, running, questions: ["Which?"] }).label, /waiting for you, a question/);
  assert.equal(statusLine({ ...IDLE, pending: 2 }).text, "Copydesk: 2 hunks to review");
});

test("a long step is shortened", () => {
  const running = heads("Copydesk: Fix x", "Read a/very/long/path/to/some/file/that/nobody/can/read.py");
  assert.ok(statusLine({ ...IDLE, running }).text.length <= 40);
});

test("without a model it says why", () => {
  const line = statusLine({ ...IDLE, problem: "Ollama does not answer." });
  assert.equal(line.emphasis, "warning");
  assert.equal(line.label, "Copydesk: Ollama does not answer. Model: offline");
});

test("what a turn and the day cost stands in the tooltip", () => {
  const turns = new Turns();
  const feed = (update: { sessionUpdate: string; [key: string]: unknown }) =>
    turns.apply({ session: "s", turn: "t", seq: 1, update });
  feed({ sessionUpdate: "turn_started", title: "Fix x", mode: "ask", model: "m" });
  const total = { totalTokens: 1200, cachedShare: 0.874, cost: { amount: 0.0123, currency: "USD" } };
  feed({ sessionUpdate: "usage_update", used: 900, size: 4000, cost: { amount: 9, currency: "USD" }, total });
  const running = turns.running().map((turn) => turn.head);
  const { tooltip } = statusLine({ ...IDLE, running, spending: "$0.12 today" });
  assert.deepEqual(tooltip.slice(-2), ["Used: 1,200 tokens (87 % from cache), $0.012", "Spent: $0.12 today"]);
});
