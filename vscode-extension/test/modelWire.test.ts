import assert from "node:assert/strict";
import { test } from "node:test";
import { errorKind, type Parts, readStream, toMessages } from "../src/modelWire";

const PARTS: Parts<unknown> = {
  text: (text) => ["text", text],
  call: (id, name, given) => ["call", id, name, given],
  result: (id, text) => ["result", id, text],
};

const REQUEST = {
  action: "stream",
  model: "copilot/gpt-5",
  partialResultToken: "copydesk/model/7",
  system: "You are …",
  maxOutputTokens: null,
  messages: [
    { role: "user", content: [{ type: "text", text: "Rename x." }] },
    { role: "assistant", content: [{ type: "tool_call", id: "c1", name: "read_file", arguments: { path: "a.py" } }] },
    { role: "user", content: [{ type: "tool_result", id: "c1", text: "1  x = 1", isError: false }] },
  ],
  tools: [{ name: "read_file", description: "Reads", schema: { type: "object", properties: {} } }],
};

test("a conversation with calls and results, the system's words first", () => {
  const request = readStream(REQUEST) ?? assert.fail("not read");
  assert.deepEqual(toMessages(request, PARTS), [
    { role: "user", parts: [["text", "You are …"]] },
    { role: "user", parts: [["text", "Rename x."]] },
    { role: "assistant", parts: [["call", "c1", "read_file", { path: "a.py" }]] },
    { role: "user", parts: [["result", "c1", "1  x = 1"]] },
  ]);
  assert.deepEqual(request.tools, [
    { name: "read_file", description: "Reads", inputSchema: { type: "object", properties: {} } },
  ]);
  assert.equal(request.maxOutputTokens, undefined);
});

test("a failed call says so in its text; thoughts and empty messages are left out", () => {
  const messages = [
    { role: "assistant", content: [{ type: "thought", text: "hm" }] },
    { role: "user", content: [{ type: "tool_result", id: "c", text: "no such file", isError: true }] },
  ];
  const request = readStream({ ...REQUEST, system: "", messages }) ?? assert.fail("not read");
  assert.deepEqual(toMessages(request, PARTS), [{ role: "user", parts: [["result", "c", "Error: no such file"]] }]);
});

test("a request without a model or a token is none", () => {
  assert.equal(readStream({ ...REQUEST, model: "" }), undefined);
  assert.equal(readStream({ ...REQUEST, partialResultToken: undefined }), undefined);
  assert.equal(readStream(null), undefined);
});

test("what an error was", () => {
  assert.equal(errorKind("NoPermissions", "x"), "denied");
  assert.equal(errorKind("NotFound", "x"), "unknown_model");
  assert.equal(errorKind("Blocked", "x"), "blocked");
  assert.equal(errorKind("Unknown", "Rate limit exceeded"), "rate_limited");
  assert.equal(errorKind("", "prompt is too long for the context window"), "overflow");
  assert.equal(errorKind("Unknown", "socket hang up"), "");
});
