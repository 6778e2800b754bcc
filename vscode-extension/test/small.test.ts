import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { given, lacksText, placed } from "../src/arguments";
import { redact, writeServerLine } from "../src/log";
import { chosen, declared, wished, type Inspected } from "../src/settings";
import { BackOff } from "../src/start/backoff";
import { childEnvironment, installEnvironment } from "../src/start/environment";

const PLACE = { uri: "file:///a.py", range: { start: { line: 1, character: 2 }, end: { line: 1, character: 2 } } };

// --- settings ---

const DECLARED = [
  { key: "model.name", machine: false },
  { key: "permissions.mode", machine: true },
  { key: "server.command", machine: true },
  { key: "trace.server", machine: false },
];

test("only what a person set is sent, never a default, and nothing that is the extension's own", () => {
  const set: Record<string, Inspected> = {
    "model.name": { globalValue: "offline" },
    "permissions.mode": {},
    "server.command": { globalValue: ["x"] },
    "trace.server": { globalValue: "verbose" },
  };
  assert.deepEqual(
    chosen(DECLARED, (key) => set[key]),
    { "model.name": "offline" },
  );
});

test("the nearest value counts, but of a machine's settings only the person's own", () => {
  const everywhere = { globalValue: "mine", workspaceValue: "theirs", workspaceFolderValue: "nearest" };
  assert.deepEqual(
    chosen(DECLARED, () => everywhere),
    { "model.name": "nearest", "permissions.mode": "mine" },
  );
  assert.deepEqual(
    chosen(DECLARED, () => ({ workspaceValue: "theirs" })),
    { "model.name": "theirs" },
  );
});

test("false and zero are choices; null takes a choice back", () => {
  assert.deepEqual(
    chosen(DECLARED, (key) => (key === "model.name" ? { globalValue: false } : { globalValue: null })),
    {
      "model.name": false,
    },
  );
});

test("no workspace says how the server is started", () => {
  const theirs = { workspaceValue: ["evil"], workspaceFolderValue: ["evil"] };
  assert.deepEqual(
    wished(() => theirs),
    { command: [], interpreter: "" },
  );
  assert.deepEqual(
    wished((key) => ({ globalValue: key === "server.command" ? ["a", 1] : " /py " })),
    {
      command: [],
      interpreter: "/py",
    },
  );
});

test("the manifest's settings are read with their scopes", () => {
  const settings = declared(JSON.parse(readFileSync("package.json", "utf-8")));
  const machine = new Set(settings.filter((one) => one.machine).map((one) => one.key));
  for (const key of ["model.baseUrl", "server.command", "server.interpreter", "permissions.mode", "sandbox.backend"]) {
    assert.ok(machine.has(key), key);
  }
  assert.ok(settings.some((one) => one.key === "model.name" && !one.machine));
});

// --- arguments ---

test("a menu's URI is no argument; an object and a text are", () => {
  assert.equal(given([]), undefined);
  assert.equal(given([null]), undefined);
  assert.equal(given([["x"]]), undefined);
  assert.equal(given([{ scheme: "file", fsPath: "/a.py", path: "/a.py" }, [], {}]), undefined);
  assert.deepEqual(given([{ text: "x" }]), { text: "x" });
  assert.equal(given(["offline"]), "offline");
});

test("a turn gets the place in front, unless it was given one", () => {
  assert.deepEqual(placed("copydesk.fix", undefined, PLACE), PLACE);
  assert.deepEqual(placed("copydesk.prompt", { text: "x" }, PLACE), { ...PLACE, text: "x" });
  const own = { uri: "file:///b.py" };
  assert.equal(placed("copydesk.fix", own, PLACE), own);
  const range = { start: { line: 9, character: 0 }, end: { line: 9, character: 0 } };
  assert.deepEqual(placed("copydesk.fix", { range }, PLACE), { uri: PLACE.uri, range });
});

test("what is no turn gets no place", () => {
  for (const command of ["copydesk.cancel", "copydesk.undo", "copydesk.review.show", "copydesk.status"]) {
    assert.equal(placed(command, undefined, PLACE), undefined, command);
  }
});

test("without an editor nothing is added", () => {
  assert.equal(placed("copydesk.fix", undefined, undefined), undefined);
});

test("text is asked for where a command needs it and has none", () => {
  assert.ok(lacksText("copydesk.ask", undefined));
  assert.ok(lacksText("copydesk.refactor", { ...PLACE, text: "  " }));
  assert.ok(!lacksText("copydesk.prompt", { text: "x" }));
  assert.ok(!lacksText("copydesk.refactor", { instruction: "x" }));
  assert.ok(!lacksText("copydesk.explain", undefined));
});

// --- log ---

test("neither keys nor passwords in addresses are logged", () => {
  const line = "GET https://me:secret@index.example/simple with sk-0123456789, twice sk-0123456789";
  assert.equal(redact(line, ["sk-0123456789"]), "GET https://***@index.example/simple with ***, twice ***");
});

test("a secret with characters of patterns is hidden too, and a very short one is no secret", () => {
  assert.equal(redact("key a.b*c+d? end", ["a.b*c+d?"]), "key *** end");
  assert.equal(redact("a b a", ["a"]), "a b a");
});

test("the server's lines come at the level they were written with", () => {
  const lines: string[] = [];
  const to = {
    error: (line: string) => lines.push(`E ${line}`),
    warn: (line: string) => lines.push(`W ${line}`),
    info: (line: string) => lines.push(`I ${line}`),
    debug: (line: string) => lines.push(`D ${line}`),
  };
  for (const line of [
    "2026-01-01 10:00:00,000 ERROR copydesk.lsp: it broke",
    "2026-01-01 10:00:00,000 DEBUG copydesk.lsp: detail",
    "Traceback (most recent call last):",
  ]) {
    writeServerLine(line, to);
  }
  assert.deepEqual(lines, [
    "E copydesk.lsp: it broke",
    "D copydesk.lsp: detail",
    "W Traceback (most recent call last):",
  ]);
});

// --- crashes ---

test("the first crash is answered at once, later ones after a while, the fifth within three minutes not at all", () => {
  let now = 0;
  const backOff = new BackOff(() => now);
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => {
      now += 1_000;
      return backOff.crashed();
    }),
    [0, 1_000, 2_000, 5_000, undefined],
  );
  backOff.reset();
  assert.equal(backOff.crashed(), 0);
});

test("crashes long ago do not count", () => {
  let now = 0;
  const backOff = new BackOff(() => now);
  for (let n = 0; n < 20; n++) {
    assert.equal(backOff.crashed(), 0);
    now += 3 * 60_000;
  }
});

// --- variables ---

test("what breaks a Python is kept from it; what a project's commands may need is not", () => {
  const env = childEnvironment(
    {
      PATH: "/bin",
      PYTHONHOME: "/x",
      __PYVENV_LAUNCHER__: "/y",
      PYTHONPATH: "/lib",
      ELECTRON_RUN_AS_NODE: "1",
      HTTPS_PROXY: "http://p",
    },
    { OPENAI_API_KEY: "sk" },
  );
  assert.deepEqual(env, { PATH: "/bin", PYTHONPATH: "/lib", HTTPS_PROXY: "http://p", OPENAI_API_KEY: "sk" });
});

test("a stored key wins over one in the environment", () => {
  assert.equal(childEnvironment({ OPENAI_API_KEY: "old" }, { OPENAI_API_KEY: "new" }).OPENAI_API_KEY, "new");
});

test("an installation keeps pip's index and proxy, and drops what would put it elsewhere", () => {
  const env = installEnvironment({
    PIP_INDEX_URL: "https://i",
    PIP_TARGET: "/t",
    PIP_USER: "1",
    PYTHONPATH: "/l",
    PYTHONDONTWRITEBYTECODE: "1",
  });
  assert.equal(env.PIP_INDEX_URL, "https://i");
  for (const name of ["PIP_TARGET", "PIP_USER", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE"])
    assert.ok(!(name in env), name);
});
