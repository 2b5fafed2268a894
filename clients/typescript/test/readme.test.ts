import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { day, service } from "./service.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PROGRAM = `${ROOT}build/readme/example`;
const COMPILER = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const COMPILER_OPTIONS = ["--strict", "--module", "nodenext", "--target", "es2022"];

const run = promisify(execFile);

test("the README's examples compile and run as one program", async () => {
  const [settings = "", ...code] = await examples();
  await mkdir(`${ROOT}build/readme`, { recursive: true });
  await writeFile(`${PROGRAM}.ts`, [substituted(settings), ...code].join("\n"));
  await run(process.execPath, [COMPILER, ...COMPILER_OPTIONS, `${PROGRAM}.ts`]);
  const { stdout } = await run(process.execPath, [`${PROGRAM}.js`]);
  const lines = stdout.trim().split("\n");
  assert.match(lines[0] ?? "", /^[0-9a-f-]{36} Booking confirmed for /);
  assert.equal(lines[1], "slot_taken");
  assert.match(lines[2] ?? "", /^free instead: \d{4}-\d{2}-\d{2} \d{2}:\d{2}$/);
  assert.equal(lines.at(-1), "Invalid API key");
});

async function examples(): Promise<string[]> {
  const readme = await readFile(`${ROOT}README.md`, "utf8");
  return [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = ""]) => code);
}

/** Give each constant of the first example a value of the running service. */
function substituted(settings: string): string {
  const values = [service.url, service.apiKey, service.agentId, day(7), day(13)];
  const lines = settings.trim().split("\n");
  assert.equal(lines.length, values.length);
  return lines
    .map((line, index) => line.replace(/= .*$/, `= ${JSON.stringify(values[index])};`))
    .join("\n");
}
