import assert from "node:assert/strict";
import { test } from "node:test";
import {
  candidates,
  canInstall,
  compare,
  isCompatible,
  parseAnswer,
  parseVersion,
  probe,
  unfit,
  type Machine,
  type Python,
} from "../src/start/pythons";
import type { Ran } from "../src/start/run";

function machine(files: readonly string[], more: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    env: { PATH: "/usr/bin:/bin" },
    home: "/home/me",
    exists: (file) => files.includes(file),
    list: (folder) =>
      [...new Set(files.filter((file) => file.startsWith(`${folder}/`)).map((file) => file.slice(folder.length + 1)))]
        .map((rest) => rest.split("/")[0] ?? "")
        .filter((name, index, all) => all.indexOf(name) === index),
    real: (folder) => folder,
    distrusted: [],
    ...more,
  };
}

const commands = (found: Machine, preferred?: readonly string[]): string[] =>
  candidates(found, preferred).map((one) => one.command.join(" "));

const PYTHON: Python = {
  executable: "/usr/bin/python3.12",
  base: "/usr/bin/python3.12",
  version: [3, 12, 4],
  implementation: "cpython",
  pip: "24.0",
  ensurepip: true,
  venv: true,
  copydesk: "",
};

test("the Python extension's choice comes first, then the newest name on the PATH", () => {
  const found = machine(["/usr/bin/python3", "/usr/bin/python3.11", "/usr/bin/python3.13", "/bin/python"]);
  assert.deepEqual(commands(found, ["/p/.venv/bin/python"]), [
    "/p/.venv/bin/python",
    "/usr/bin/python3.13",
    "/usr/bin/python3.11",
    "/usr/bin/python3",
    "/bin/python",
  ]);
});

test("a folder with two names is looked into once", () => {
  const found = machine(["/usr/bin/python3", "/bin/python3"], {
    real: (folder) => folder.replace(/^\/bin/, "/usr/bin"),
  });
  assert.equal(commands(found).length, 1);
});

test("a Python that is too old by its name is not even tried", () => {
  assert.deepEqual(commands(machine(["/usr/bin/python3.9", "/usr/bin/python3.10"])), []);
});

test("relative folders of the PATH are not looked into: they lead wherever the working directory is", () => {
  const found = machine(["python3", "./python3", "bin/python3"], { env: { PATH: ".:bin:" } });
  assert.deepEqual(commands(found), []);
});

test("pyenv's and uv's Pythons are found, newest first, where the PATH has none", () => {
  const found = machine([
    "/home/me/.pyenv/versions/3.9.1/bin/python3",
    "/home/me/.pyenv/versions/3.12.10/bin/python3",
    "/home/me/.pyenv/versions/3.12.9/bin/python3",
    "/home/me/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3",
  ]);
  assert.deepEqual(commands(found), [
    "/home/me/.pyenv/versions/3.12.10/bin/python3",
    "/home/me/.pyenv/versions/3.12.9/bin/python3",
    "/home/me/.pyenv/versions/3.9.1/bin/python3",
    "/home/me/.local/share/uv/python/cpython-3.13.1-linux-x86_64-gnu/bin/python3",
  ]);
});

test("nothing inside a workspace that is not trusted is run, whoever names it", () => {
  const found = machine(["/w/repo/bin/python3", "/usr/bin/python3"], {
    env: { PATH: "/w/repo/bin:/usr/bin" },
    distrusted: ["/w/repo"],
  });
  assert.deepEqual(commands(found, ["/w/repo/.venv/bin/python"]), ["/usr/bin/python3"]);
});

test("a folder beside the workspace with a name that begins alike is not inside it", () => {
  const found = machine(["/w/repo2/python3"], { env: { PATH: "/w/repo2" }, distrusted: ["/w/repo"] });
  assert.deepEqual(commands(found), ["/w/repo2/python3"]);
});

test("on a Mac, the system's stub, which opens a dialog, is left alone; Homebrew's is found", () => {
  const found = machine(["/usr/bin/python3", "/opt/homebrew/bin/python3.13"], { platform: "darwin" });
  assert.deepEqual(commands(found), ["/opt/homebrew/bin/python3.13"]);
});

test("on Windows, the PATH, the launcher, and the installer's places", () => {
  const files = [
    "C:\\Windows\\py.exe",
    "C:\\Py\\python.exe",
    "C:\\Users\\me\\AppData\\Local\\Programs\\Python\\Python312\\python.exe",
  ];
  const found = machine(files, {
    platform: "win32",
    env: { Path: "C:\\Py;C:\\Windows", LOCALAPPDATA: "C:\\Users\\me\\AppData\\Local" },
    home: "C:\\Users\\me",
    list: (folder) => (folder.endsWith("Programs\\Python") ? ["Python312"] : []),
  });
  assert.deepEqual(commands(found), [
    "C:\\Py\\python.exe",
    "C:\\Windows\\py.exe -3",
    "C:\\Users\\me\\AppData\\Local\\Programs\\Python\\Python312\\python.exe",
  ]);
});

test("versions are numbers, not texts", () => {
  assert.deepEqual(parseVersion("Python 3.12.0rc1"), [3, 12, 0]);
  assert.deepEqual(parseVersion("no"), []);
  assert.ok(compare([3, 9], [3, 11]) < 0);
  assert.ok(compare([3, 11, 1], [3, 11]) > 0);
  assert.equal(compare([3, 11], [3, 11, 0]), 0);
});

test("a server fits when its major and minor version are the extension's", () => {
  assert.ok(isCompatible("0.1.7", "0.1.0"));
  assert.ok(!isCompatible("0.2.0", "0.1.0"));
  assert.ok(!isCompatible("1.1.0", "0.1.0"));
  assert.ok(!isCompatible("", "0.1.0"));
});

test("what keeps a Python from running the server is said", () => {
  assert.equal(unfit(PYTHON, false), "");
  assert.match(unfit({ ...PYTHON, version: [3, 10, 9] }, false), /Python 3\.10\.9; Copydesk needs 3\.11 or newer/);
  assert.match(unfit({ ...PYTHON, implementation: "pypy" }, false), /pypy/);
  assert.match(unfit({ ...PYTHON, venv: false }, true), /venv/);
  const bare = { ...PYTHON, pip: "", ensurepip: false };
  assert.match(unfit(bare, false), /apt install python3-venv/);
  assert.equal(unfit(bare, true), "");
});

test("an old pip cannot install elsewhere, but may make a newer one", () => {
  assert.ok(!canInstall({ ...PYTHON, pip: "22.2.9", ensurepip: false }));
  assert.ok(canInstall({ ...PYTHON, pip: "22.3", ensurepip: false }));
  assert.ok(canInstall({ ...PYTHON, pip: "9.0", ensurepip: true }));
});

const ran = (code: number | null, stdout = "", stderr = ""): Ran => ({ code, stdout, stderr });

const why = (answer: Python | string): string => (typeof answer === "string" ? answer : "it is one");

test("a shim that runs nothing, and a program that is no Python, are no Pythons", async () => {
  assert.equal(
    await probe(["shim"], () => Promise.resolve(ran(127, "", "pyenv: 3.12: not installed\n")), {}),
    "pyenv: 3.12: not installed",
  );
  assert.match(why(await probe(["x"], () => Promise.resolve(ran(0, "hello")), {})), /does not answer/);
  assert.match(why(await probe(["x"], () => Promise.resolve(ran(0, `{"version": []}`)), {})), /does not answer/);
});

test("an answer is read, after whatever the Python prints before it", async () => {
  const answer = JSON.stringify({ version: [3, 12, 1], executable: "/x", implementation: "cpython", venv: true });
  const python = await probe(["x"], () => Promise.resolve(ran(0, `hello\n${answer}\n`)), {});
  assert.ok(typeof python !== "string");
  assert.equal(python.base, "/x");
  assert.equal(python.ensurepip, false);
  assert.throws(() => parseAnswer({}));
});
