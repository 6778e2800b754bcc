import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Cancelled, StartFailure } from "../src/start/failure";
import { findWheel, Installations, type Installer, type Wheel } from "../src/start/installation";
import { launch, type Place } from "../src/start/launching";
import type { Python } from "../src/start/pythons";
import type { Ran, RunOptions } from "../src/start/run";

let folder: string;
let base: string;
let python: Python;
let wheel: Wheel;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "copydesk-test-"));
  base = path.join(folder, "base-python");
  writeFileSync(base, "");
  python = {
    executable: base,
    base,
    version: [3, 12, 4],
    implementation: "cpython",
    pip: "24.0",
    ensurepip: true,
    venv: true,
    copydesk: "",
  };
  mkdirSync(path.join(folder, "server"));
  writeFileSync(path.join(folder, "server", "copydesk-0.1.0-py3-none-any.whl"), "one build");
  wheel = await found();
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function found(): Promise<Wheel> {
  const one = await findWheel(path.join(folder, "server"));
  assert.ok(one);
  return one;
}

const environments = (): string => path.join(folder, "environments");
const names = (): string[] => readdirSync(environments()).filter((name) => name !== "lock");

/** Plays venv and pip: `venv` makes the Python; `fail` names the step that goes wrong. */
class FakeRunner {
  commands: string[][] = [];
  fail: ((command: readonly string[]) => Partial<Ran> | undefined) | undefined;
  stop = new AbortController();
  said: string[] = [];
  uv: string | undefined;

  installer(): Installer {
    return {
      run: (command, options) => this.run(command, options),
      env: {},
      signal: this.stop.signal,
      platform: "linux",
      uv: this.uv,
      say: (message) => this.said.push(message),
      log: () => undefined,
    };
  }

  steps(): string[] {
    return this.commands.map((command) =>
      command.includes("venv") ? "venv" : command.includes("ensurepip") ? "ensurepip" : "install",
    );
  }

  private run(command: readonly string[], options: RunOptions): Promise<Ran> {
    this.commands.push([...command]);
    const failed = this.fail?.(command);
    if (failed) return Promise.resolve({ code: 1, stdout: "", stderr: "", ...failed });
    if (command.includes("venv")) {
      const target = command.at(-1) ?? "";
      mkdirSync(path.join(target, "bin"), { recursive: true });
      writeFileSync(path.join(target, "bin", "python"), "");
    }
    options.onLine?.("Collecting jedi<1,>=0.19.2");
    return Promise.resolve({ code: 0, stdout: "", stderr: "" });
  }
}

test("an environment is made once and then found without running anything", async () => {
  const runner = new FakeRunner();
  const all = new Installations(environments(), wheel);
  assert.equal(await all.find(""), undefined);
  const made = await all.make("", python, runner.installer());
  assert.deepEqual(runner.steps(), ["venv", "install"]);
  assert.ok(existsSync(made));
  assert.equal(await new Installations(environments(), wheel).find(""), made);
  assert.equal(await all.make("", python, runner.installer()), made);
  assert.equal(runner.commands.length, 2);
  assert.deepEqual(readdirSync(environments()).includes("lock"), false);
});

test("progress names what is being installed", async () => {
  const runner = new FakeRunner();
  await new Installations(environments(), wheel).make("", python, runner.installer());
  assert.ok(runner.said.includes("Installing the server: jedi"), runner.said.join());
});

test("pip of the Python itself installs, without compiling, never into the person's own place", async () => {
  const runner = new FakeRunner();
  const made = await new Installations(environments(), wheel).make("", python, runner.installer());
  const pip = runner.commands[1] ?? [];
  assert.deepEqual(pip.slice(0, 7), [base, "-I", "-m", "pip", "--python", made, "install"]);
  assert.ok(pip.includes("--no-compile") && pip.includes("--no-user"));
  assert.equal(pip.at(-1), wheel.file);
});

test("a Python with an old pip gets one in the environment; one with none is served by uv", async () => {
  const old = new FakeRunner();
  await new Installations(environments(), wheel).make("", { ...python, pip: "20.0" }, old.installer());
  assert.deepEqual(old.steps(), ["venv", "ensurepip", "install"]);
  const none = new FakeRunner();
  none.uv = "/bin/uv";
  const bare = { ...python, pip: "", ensurepip: false };
  await new Installations(path.join(folder, "other"), wheel).make("", bare, none.installer());
  assert.deepEqual(none.commands[1]?.slice(0, 3), ["/bin/uv", "pip", "install"]);
});

test("the tested versions first; what can be had where those cannot", async () => {
  writeFileSync(path.join(folder, "server", "constraints.txt"), "jedi==0.20.1\n");
  const runner = new FakeRunner();
  runner.fail = (command) =>
    command.includes("--constraint") ? { stderr: "ERROR: No matching distribution" } : undefined;
  await new Installations(environments(), wheel).make("", python, runner.installer());
  assert.deepEqual(
    runner.commands.map((command) => command.includes("--constraint")),
    [false, true, false],
  );
});

test("a failure says what pip said, and leaves nothing behind", async () => {
  const runner = new FakeRunner();
  runner.fail = (command) =>
    command.includes("install")
      ? { stderr: "WARNING: x\nERROR: Could not find a version that satisfies pygls.\n" }
      : undefined;
  const all = new Installations(environments(), wheel);
  await assert.rejects(all.make("", python, runner.installer()), (error) => {
    assert.ok(error instanceof StartFailure);
    assert.match(error.message, /could not be installed with Python 3\.12\.4: Could not find a version/);
    assert.ok(error.remedies.includes("retry") && error.remedies.includes("choose"));
    return true;
  });
  assert.deepEqual(names(), []);
  runner.fail = undefined;
  assert.ok(await all.make("", python, runner.installer()));
});

test("a half-made environment is not used, and is made anew", async () => {
  const runner = new FakeRunner();
  const all = new Installations(environments(), wheel);
  const made = await all.make("", python, runner.installer());
  rmSync(path.join(path.dirname(path.dirname(made)), "ready.json"));
  writeFileSync(path.join(path.dirname(made), "left-over"), "");
  assert.equal(await all.find(""), undefined);
  assert.equal(await all.make("", python, runner.installer()), made);
  assert.ok(!existsSync(path.join(path.dirname(made), "left-over")));
});

test("an environment whose Python, or whose Python's base, is gone is not used", async () => {
  const all = new Installations(environments(), wheel);
  const made = await all.make("", python, new FakeRunner().installer());
  rmSync(base);
  assert.equal(await all.find(""), undefined);
  writeFileSync(base, "");
  assert.equal(await all.find(""), made);
  rmSync(made);
  assert.equal(await all.find(""), undefined);
});

test("an environment that is distrusted is made anew", async () => {
  const runner = new FakeRunner();
  const all = new Installations(environments(), wheel);
  const made = await all.make("", python, runner.installer());
  await all.distrust(made);
  assert.equal(await all.find(""), undefined);
  await all.make("", python, runner.installer());
  assert.deepEqual(runner.steps(), ["venv", "install", "venv", "install"]);
});

test("what was asked for is part of an environment: another interpreter is another environment", async () => {
  const all = new Installations(environments(), wheel);
  const automatic = await all.make("", python, new FakeRunner().installer());
  const asked = await all.make("/opt/python", python, new FakeRunner().installer());
  assert.notEqual(automatic, asked);
  assert.equal(await all.find("/opt/python"), asked);
});

test("another build of the same version is another environment, and the old one goes when nobody uses it", async () => {
  const all = new Installations(environments(), wheel);
  const old = await all.make("", python, new FakeRunner().installer());
  writeFileSync(wheel.file, "another build");
  const next = new Installations(environments(), await found());
  assert.equal(await next.find(""), undefined);
  const made = await next.make("", python, new FakeRunner().installer());
  await next.use(made);
  assert.equal(names().length, 2, "it is so new that its window may not have said yet that it uses it");
  const marker = path.join(path.dirname(path.dirname(old)), "ready.json");
  utimesSync(marker, new Date(0), new Date(0));
  await all.use(old);
  await next.use(made);
  assert.equal(names().length, 2, "a living process uses it");
  rmSync(path.join(path.dirname(path.dirname(old)), "users"), { recursive: true });
  await next.use(made);
  assert.deepEqual(names(), [path.basename(path.dirname(path.dirname(made)))]);
});

test("two windows make one environment", async () => {
  const one = new FakeRunner();
  const other = new FakeRunner();
  const [first, second] = await Promise.all([
    new Installations(environments(), wheel).make("", python, one.installer()),
    new Installations(environments(), wheel).make("", python, other.installer()),
  ]);
  assert.equal(first, second);
  assert.equal(one.commands.length + other.commands.length, 2);
  assert.ok([...one.said, ...other.said].some((said) => said.includes("another window")));
});

test("cancelling while another window installs ends the waiting, and only that", async () => {
  mkdirSync(environments(), { recursive: true });
  writeFileSync(path.join(environments(), "lock"), `${process.pid} somebody`);
  const runner = new FakeRunner();
  const waiting = new Installations(environments(), wheel).make("", python, runner.installer());
  setTimeout(() => {
    runner.stop.abort();
  }, 50);
  await assert.rejects(waiting, Cancelled);
  assert.ok(existsSync(path.join(environments(), "lock")));
});

test("the lock of a process that is gone is taken over", async () => {
  mkdirSync(environments(), { recursive: true });
  writeFileSync(path.join(environments(), "lock"), "999999999 somebody");
  assert.ok(await new Installations(environments(), wheel).make("", python, new FakeRunner().installer()));
});

test("the lock of a process that does not touch it any more is taken over", async () => {
  mkdirSync(environments(), { recursive: true });
  const lock = path.join(environments(), "lock");
  writeFileSync(lock, `${process.pid} somebody`);
  utimesSync(lock, new Date(0), new Date(0));
  assert.ok(await new Installations(environments(), wheel).make("", python, new FakeRunner().installer()));
});

test("cancelling during the installation leaves nothing behind", async () => {
  const runner = new FakeRunner();
  runner.fail = (command) => {
    if (command.includes("install")) runner.stop.abort();
    return undefined;
  };
  const all = new Installations(environments(), wheel);
  await assert.rejects(all.make("", python, runner.installer()), Cancelled);
  assert.deepEqual(names(), []);
});

// --- from the person's wish to a command ---

function place(runner: FakeRunner, answers: Readonly<Record<string, object>>, installations?: Installations): Place {
  const run = runner.installer();
  return {
    machine: {
      platform: "linux",
      env: { PATH: "/usr/bin" },
      home: "/home/me",
      exists: (file) => file in answers,
      list: () => [],
      real: (folder) => folder,
      distrusted: [],
    },
    version: "0.1.0",
    installations,
    run: (command, options) => {
      if (!command.includes("-c")) return run.run(command, options);
      const answer = answers[command[0] ?? ""];
      return Promise.resolve({
        code: answer ? 0 : 1,
        stdout: JSON.stringify(answer),
        stderr: answer ? "" : "not found",
      });
    },
    env: {},
    uv: undefined,
    preferred: () => Promise.resolve([]),
    installing(work) {
      return work({ ...run, run: this.run });
    },
    log: () => undefined,
  };
}

test("a command of the person's wins, and nothing is looked for", async () => {
  const wish = { command: ["/x/copydesk", "serve"], interpreter: "/y" };
  assert.deepEqual(await launch(wish, place(new FakeRunner(), {})), { command: ["/x/copydesk", "serve"] });
});

test("an interpreter that has a server that fits is used as it is", async () => {
  const runner = new FakeRunner();
  const started = await launch(
    { command: [], interpreter: "/y/python" },
    place(runner, { "/y/python": { ...python, copydesk: "0.1.3" } }),
  );
  assert.equal(started.command[0], "/y/python");
  assert.equal(started.environment, undefined);
  assert.deepEqual(started.command.slice(-3), ["-m", "copydesk", "serve"]);
  assert.ok(started.command.includes("-E") && started.command.includes("-P"));
});

test("from an interpreter with another server, or none, an environment is made", async () => {
  const runner = new FakeRunner();
  const answers = { "/y/python": { ...python, copydesk: "0.2.0" } };
  const all = new Installations(environments(), wheel);
  const started = await launch({ command: [], interpreter: "/y/python" }, place(runner, answers, all));
  assert.equal(started.environment, await all.find("/y/python"));
  assert.deepEqual(runner.steps(), ["venv", "install"]);
});

test("an interpreter that cannot be used is an error that names the setting, the path and the reason", async () => {
  const wish = { command: [], interpreter: "/y/python" };
  await assert.rejects(
    launch(wish, place(new FakeRunner(), {})),
    /copydesk\.server\.interpreter.*\/y\/python: not found/,
  );
  const old = { "/y/python": { ...python, version: [3, 9, 2] } };
  await assert.rejects(launch(wish, place(new FakeRunner(), old)), /Python 3\.9\.2; Copydesk needs 3\.11/);
});

test("the first Python that fits is taken, and those that do not are passed over", async () => {
  const runner = new FakeRunner();
  const answers = {
    "/usr/bin/python3.13": { ...python, venv: false },
    "/usr/bin/python3.11": { ...python, version: [3, 11, 2] },
  };
  const all = new Installations(environments(), wheel);
  const started = await launch({ command: [], interpreter: "" }, place(runner, answers, all));
  assert.match(started.environment ?? "", /py3\.11/);
});

test("with no Python, the error says what is needed, and what was looked at", async () => {
  const answers = { "/usr/bin/python3": { ...python, version: [3, 9, 2] } };
  const all = new Installations(environments(), wheel);
  await assert.rejects(
    launch({ command: [], interpreter: "" }, place(new FakeRunner(), answers, all)),
    /needs Python 3\.11 or newer, and none was found.*\/usr\/bin\/python3: it is Python 3\.9\.2/,
  );
});

test("an extension without a server in it says what to set", async () => {
  await assert.rejects(
    launch({ command: [], interpreter: "" }, place(new FakeRunner(), {})),
    /copydesk\.server\.interpreter/,
  );
});
