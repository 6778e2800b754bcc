// Packages copydesk-VERSION.vsix. `make vsix` calls it, after it has put the wheel into server/.
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, readdirSync } from "node:fs";

const { version } = JSON.parse(readFileSync("package.json", "utf-8"));
const wheels = readdirSync("server").filter((name) => name.endsWith(".whl"));
if (wheels.length !== 1 || !wheels[0].startsWith(`copydesk-${version}-`)) {
  throw new Error(`server/ must hold the one wheel of version ${version}, and holds: ${wheels.join(", ") || "none"}.`);
}
for (const name of ["LICENSE", "CHANGELOG.md"]) copyFileSync(`../${name}`, name);
copyFileSync("../constraints.txt", "server/constraints.txt");
node("esbuild.mjs");
const bundle = readFileSync("dist/extension.js", "utf-8");
if (bundle.includes("sourceMappingURL") || bundle.includes(process.cwd()))
  throw new Error("The bundle names this machine.");
const out = `copydesk-${version}.vsix`;
const options = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", out];
node("node_modules/@vscode/vsce/vsce", "package", ...options);

function node(...args) {
  // The same moment in every file, so that one source makes one package.
  const env = { SOURCE_DATE_EPOCH: "1735689600", ...process.env };
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit", env });
  if (status !== 0) process.exit(status ?? 1);
}
