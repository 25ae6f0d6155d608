// Writes assets/d3.min.js: the functions of D3 that the page uses, with the versions and licences of all packages in it.
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "../../scripts/handgrad/page/assets/d3.min.js";

const { metafile, outputFiles } = await build({
  entryPoints: ["d3.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "d3",
  target: "es2020",
  metafile: true,
  write: false,
});
const found = Object.keys(metafile.inputs).map((path) => path.match(/node_modules\/([^/]+)/)?.[1]);
const names = [...new Set(found.filter(Boolean))].sort();
const versions = names.map((name) => `${name} ${JSON.parse(readFileSync(`node_modules/${name}/package.json`)).version}`);
const licences = new Set(names.map((name) => readFileSync(`node_modules/${name}/LICENSE`, "utf8").trim()));
const banner = `Made by "make javascript". Do not edit.\n\n${versions.join(", ")}\n\n${[...licences].join("\n\n")}`;
writeFileSync(OUT, `/*\n${banner}\n*/\n${outputFiles[0].text}`);
