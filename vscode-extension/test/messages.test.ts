import assert from "node:assert/strict";
import { test } from "node:test";
import { readFromView } from "../src/webview/messages";

test("the view's messages are taken as they are meant", () => {
  for (const message of [
    { type: "ready" },
    { type: "choose", turn: "t" },
    { type: "act", action: "undo", turn: "t" },
    { type: "openPlace", turn: "t", item: 1, place: 0 },
    { type: "openFile", turn: "t", file: 0 },
    { type: "prompt", text: "x", turn: "" },
    { type: "answer", question: 1, answer: null },
    { type: "answer", question: 1, answer: "yes" },
    { type: "permit", turn: "t", item: 1, option: "allow_once", reason: "" },
  ]) {
    assert.deepEqual(readFromView(message), message);
  }
});

test("anything else is nothing", () => {
  for (const message of [
    undefined,
    null,
    "ready",
    7,
    {},
    { type: "run", command: "workbench.action.quit" },
    { type: "act", action: "copydesk.undo", turn: "t" },
    { type: "openPlace", turn: "t", item: "1", place: 0 },
    { type: "openFile", turn: "t", file: "file:///etc/passwd" },
    { type: "answer", question: 1 },
    { type: "permit", turn: "t", item: 1, option: "allow_once" },
    { type: "permit", turn: "t", item: "1", option: "allow_once", reason: "" },
  ]) {
    assert.equal(readFromView(message), undefined, JSON.stringify(message));
  }
});
