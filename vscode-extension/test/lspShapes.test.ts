import assert from "node:assert/strict";
import { test } from "node:test";
import * as shapes from "../src/lspShapes";

const RANGE = { start: { line: 1, character: 2 }, end: { line: 1, character: 5 } };
const WIDE = { start: { line: 0, character: 0 }, end: { line: 9, character: 0 } };
const spell = (uri: string): string => `spelled:${uri}`;

test("locations, and links to the name that is meant", () => {
  const found = [
    { uri: "a", range: RANGE },
    { targetUri: "b", targetRange: WIDE, targetSelectionRange: RANGE },
    { targetUri: "c", targetRange: WIDE },
  ];
  assert.deepEqual(shapes.locations(found, spell), [
    { uri: "spelled:a", range: RANGE },
    { uri: "spelled:b", range: RANGE },
    { uri: "spelled:c", range: WIDE },
  ]);
  const many = Array.from({ length: shapes.MAX_PLACES + 1 }, () => ({ uri: "a", range: RANGE }));
  assert.equal(shapes.locations(many, spell).length, shapes.MAX_PLACES);
});

test("hovers of all servers as one", () => {
  const found = [{ contents: ["plain", { language: "py", value: "x: int" }] }, { contents: [{ value: "**doc**" }, 3] }];
  const one = shapes.hover(found) as { contents: { value: string } };
  assert.equal(one.contents.value, "plain\n\n---\n\n```py\nx: int\n```\n\n---\n\n**doc**");
  assert.equal(shapes.hover([]), null);
  assert.equal(shapes.hover([{ contents: [" "] }]), null);
});

test("symbols count their kinds from 1, and are cut as a whole", () => {
  const leaf = { name: "x", kind: 12, range: RANGE, selectionRange: RANGE, children: [] };
  const [tree] = shapes.documentSymbols([{ ...leaf, name: "C", kind: 4, children: [leaf] }]) as {
    kind: number;
    children: object[];
  }[];
  assert.equal(tree?.kind, 5);
  assert.equal(tree.children.length, 1);
  const many = Array.from({ length: shapes.MAX_SYMBOLS + 5 }, () => leaf);
  assert.equal(shapes.documentSymbols([{ ...leaf, children: many }]).length, 1);
});

test("diagnostics without Copydesk's own hints", () => {
  const base = { range: RANGE, message: "unused", severity: 1 };
  const found = [
    ["a", [{ ...base, source: "copydesk", code: "pending" }]],
    ["b", [{ ...base, source: "ruff", code: { value: "F401" } }, base]],
  ] as const;
  assert.deepEqual(shapes.diagnostics(found, spell), [
    {
      uri: "spelled:b",
      diagnostics: [
        { range: RANGE, message: "unused", severity: 2, source: "ruff", code: "F401" },
        { range: RANGE, message: "unused", severity: 2 },
      ],
    },
  ]);
});
