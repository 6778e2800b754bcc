// Bundles the extension and the live view's script into dist/ (`--dev`: with a source map), or with `--test` each unit
// test into build/test/.
import { build } from "esbuild";
import { readdirSync, rmSync } from "node:fs";

const dev = process.argv.includes("--dev");
const test = process.argv.includes("--test");
const outdir = test ? "build/test" : "dist";
const entryPoints = test
  ? readdirSync("test")
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `test/${name}`)
  : ["src/extension.ts"];

rmSync(outdir, { recursive: true, force: true });
await build({
  entryPoints,
  outdir,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  minify: !dev && !test,
  sourcemap: dev || test ? "inline" : false,
  legalComments: test ? "none" : "linked",
  logLevel: "warning",
});
if (!test) {
  await build({
    entryPoints: ["src/webview/turn.ts"],
    outdir,
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    minify: !dev,
    sourcemap: dev ? "inline" : false,
    legalComments: "none",
    logLevel: "warning",
  });
}
