// node theme.mjs THEME RESUME.json OUT.html
import fs from "fs";
import { createRequire } from "module";
import path from "path";
import { pathToFileURL } from "url";

const [theme, resume, out] = process.argv.slice(2);
const require = createRequire(path.join(process.env.NODE_HOME, "package.json"));
let render;
try {
  render = require(`jsonresume-theme-${theme}`).render;
} catch {
  const folder = path.join(process.env.NODE_HOME, "node_modules", `jsonresume-theme-${theme}`);
  const about = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  const exported = about.exports?.["."];
  const entry = exported?.import ?? exported?.default ?? exported ?? about.module ?? about.main;
  render = (await import(pathToFileURL(path.join(folder, entry?.default ?? entry)))).render;
}
const filled = JSON.parse(fs.readFileSync(resume, "utf8"));
// Older themes read the names that the schema had before 2021.
for (const job of filled.work) Object.assign(job, { company: job.name, website: job.url });
for (const each of filled.projects) Object.assign(each, { summary: each.description });
fs.writeFileSync(out, await render(filled));
