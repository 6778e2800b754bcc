import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerProcess } from "../src/process";
import { run } from "../src/start/run";

const NODE = process.execPath;
const LIMIT_MS = 20_000;

test("a program's output, code and lines come back", async () => {
  const lines: string[] = [];
  const code = "console.log('one'); console.error('two'); process.exitCode = 3";
  const ran = await run([NODE, "-e", code], { env: {}, limitMs: LIMIT_MS, onLine: (line) => lines.push(line) });
  assert.deepEqual(ran, { code: 3, stdout: "one\n", stderr: "two\n" });
  assert.deepEqual(lines.sort(), ["one", "two"]);
});

test("a program that is not there is a result, not an exception", async () => {
  const ran = await run(["/nowhere/python"], { env: {}, limitMs: LIMIT_MS });
  assert.equal(ran.code, null);
  assert.match(ran.stderr, /no such program/);
});

test("cancelling ends a program and its children", { skip: process.platform === "win32" }, async () => {
  const stop = new AbortController();
  const child = "setInterval(() => 0, 1000)";
  const parent = `const c = require('child_process').spawn(${JSON.stringify(NODE)}, ['-e', ${JSON.stringify(child)}]); console.log(c.pid); ${child}`;
  const pids: number[] = [];
  const ran = await run([NODE, "-e", parent], {
    env: {},
    limitMs: LIMIT_MS,
    signal: stop.signal,
    onLine: (line) => {
      pids.push(Number(line));
      stop.abort();
    },
  });
  assert.equal(ran.code, null);
  const [pid = 0] = pids;
  for (let tries = 0; tries < 100 && isRunning(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(!isRunning(pid), "its child still runs");
});

test("a program that takes too long is ended", async () => {
  const ran = await run([NODE, "-e", "setInterval(() => 0, 1000)"], { env: {}, limitMs: 300 });
  assert.equal(ran.code, null);
  assert.match(ran.stderr, /took longer than/);
});

test("a server that ends says how, and what it said last", async () => {
  const server = await ServerProcess.start(
    [NODE, "-e", "console.error('No module named copydesk.'); process.exit(1)"],
    {},
  );
  server.readLines(server.child.stderr, () => undefined);
  server.child.stdout.resume();
  await assert.rejects(server.ended, /ended by itself \(exit code 1\): No module named copydesk\.$/);
});

test("a server that does not end when asked is ended", async () => {
  const server = await ServerProcess.start([NODE, "-e", "setInterval(() => 0, 1000)"], {});
  server.child.stdout.resume();
  server.child.stderr.resume();
  await server.end(100);
  assert.equal(server.child.signalCode, "SIGKILL");
});

test("a server that is over is told from one that runs", async () => {
  const over = await ServerProcess.start([NODE, "-e", ""], {});
  over.child.stdout.resume();
  over.child.stderr.resume();
  assert.equal(await over.isOverWithin(LIMIT_MS), true);
  const runs = await ServerProcess.start([NODE, "-e", "setInterval(() => 0, 1000)"], {});
  runs.child.stdout.resume();
  runs.child.stderr.resume();
  assert.equal(await runs.isOverWithin(50), false);
  runs.kill();
});

test("a server that cannot be started is an error that names the program", async () => {
  await assert.rejects(
    ServerProcess.start(["/nowhere/copydesk", "serve"], {}),
    /cannot be started with `\/nowhere\/copydesk`: there is no such program/,
  );
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
