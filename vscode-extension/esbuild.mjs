// Bundles the extension and the live view's script into dist/ (`--dev`: with a source map), or with `--test` each unit
// test into build/test/.
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";

const dev = process.argv.includes("--dev");
const test = process.argv.includes("--test");
const outdir = test ? "build/test" : "dist";
const tests = () => readdirSync("test").filter((name) => name.endsWith(".test.ts"));

rmSync(outdir, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: test ? tests().map((name) => `test/${name}`) : ["src/extension.ts"],
  outdir,
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  external: ["vscode"],
  packages: test ? "external" : "bundle",
  minify: !dev && !test,
  sourcemap: dev || test ? "inline" : false,
  legalComments: "none",
  metafile: true,
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
  writeFileSync("dist/NOTICES.txt", notices(Object.keys(metafile.inputs)));
}

/** The licences of the packages that are in the bundle. */
function notices(inputs) {
  const packages = inputs.map((file) => /^node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]).filter(Boolean);
  const shown = [...new Set(packages)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf-8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const text = file && existsSync(`${folder}/${file}`) ? readFileSync(`${folder}/${file}`, "utf-8").trim() : license;
    return `${name} ${version} (${license})\n\n${text}`;
  });
  return `This extension contains these packages:\n\n${shown.join(`\n\n${"-".repeat(80)}\n\n`)}\n`;
}
