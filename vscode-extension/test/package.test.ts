import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { listFiles, PackageManager } from "@vscode/vsce";

const ALLOWED =
  /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/(extension\.js|turn\.js|NOTICES\.txt)|media\/[\w/-]+\.(svg|png|md|css|js)|server\/(constraints\.txt|copydesk-[\d.]+-py3-none-any\.whl))$/;

interface Manifest {
  readonly version: string;
  readonly activationEvents: readonly string[];
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string }[];
    readonly menus: Readonly<Record<string, readonly { command?: string }[]>>;
    readonly keybindings?: unknown;
    readonly walkthroughs: readonly { steps: readonly { id: string; media: { markdown: string } }[] }[];
  };
}

const manifest = JSON.parse(readFileSync("package.json", "utf-8")) as Manifest;

test("nothing is packaged but what the extension needs", async () => {
  const files = await listFiles({ cwd: process.cwd(), packageManager: PackageManager.None });
  assert.deepEqual(
    files.filter((file) => !ALLOWED.test(file)),
    [],
  );
  for (const needed of ["package.json", "README.md", "media/icon.png", "media/copydesk.svg"]) {
    assert.ok(files.includes(needed), `${needed} is missing`);
  }
});

test("the editor's start is not held up, and no key is taken", () => {
  assert.deepEqual(manifest.activationEvents, ["onStartupFinished"]);
  assert.equal(manifest.contributes.keybindings, undefined);
});

test("every command is called Copydesk, and every menu leads to one", () => {
  const ids = new Set(manifest.contributes.commands.map((one) => one.command));
  for (const one of manifest.contributes.commands) assert.equal(one.category, "Copydesk", one.command);
  const inMenus = Object.values(manifest.contributes.menus).flat();
  assert.deepEqual(
    inMenus.map((item) => item.command).filter((id) => id?.startsWith("copydesk.") && !ids.has(id)),
    [],
  );
});

test("the walkthrough's pages are there", () => {
  const steps = manifest.contributes.walkthroughs.flatMap((one) => one.steps);
  assert.deepEqual(
    steps.map((step) => step.id),
    ["explain", "review", "ask", "model"],
  );
  for (const step of steps) assert.ok(existsSync(step.media.markdown), step.media.markdown);
});
