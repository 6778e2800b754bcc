// Usage: node stylua.mjs MODULES --check|--write FOLDER
//
// Checks or writes the format of the Lua files in FOLDER, by its .stylua.toml. StyLua comes from npm, compiled to
// WebAssembly, so that it needs no Rust and no download from elsewhere: MODULES is the node_modules it is in.
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [modules, mode, folder] = process.argv.slice(2);
const stylua = createRequire(join(resolve(modules), "x.cjs"))("@johnnymorganz/stylua");

const enums = { indent_type: stylua.IndentType, quote_style: stylua.QuoteStyle };
const settings = readFileSync(join(folder, ".stylua.toml"), "utf8")
  .split("\n")
  .map((line) => line.match(/^(\w+) *= *"?(\w+)"?$/))
  .filter((found) => found);

// Made anew for each file: formatting uses it up.
function configured() {
  const config = stylua.Config.new();
  for (const [, key, value] of settings) config[key] = key in enums ? enums[key][value] : Number(value);
  config.syntax = stylua.LuaVersion.LuaJIT;
  return config;
}

const files = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".lua"));
let wrong = 0;
for (const name of files.sort()) {
  const path = join(folder, name);
  const before = readFileSync(path, "utf8");
  const after = stylua.formatCode(before, configured(), null, stylua.OutputVerification.Full);
  if (after === before) continue;
  wrong++;
  if (mode === "--write") writeFileSync(path, after);
  console.error(`${path}: ${mode === "--write" ? "formatted" : "is not formatted; `make lua-format` does it"}`);
}
process.exit(mode === "--check" && wrong ? 1 : 0);
