import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import type { CalendarClient } from "universal-calendar-client";
import { FREE_SLOTS } from "./answers.js";
import { BUILDS, type Library } from "./builds.js";
import { ScriptedServer } from "./scripted-server.js";

const load = createRequire(import.meta.url);
const manifest = load("universal-calendar-client/package.json") as Record<
  string,
  unknown
>;

for (const [build, library] of BUILDS) {
  test(`the names that ${build} finds change only on purpose`, () => {
    assert.deepEqual(Object.keys(library).sort(), [
      "AuthenticationError",
      "BookingConflictError",
      "CalendarAPIError",
      "CalendarClient",
      "RateLimitedError",
      "ServiceUnavailableError",
      "ValidationError",
    ]);
  });
}

test("the two builds are two files", () => {
  const [imported, required] = BUILDS.map(([, library]) => library.CalendarClient);
  assert.notEqual(imported, required);
});

test("there is no runtime dependency and no side effect", () => {
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    assert.equal(manifest[kind], undefined);
  }
  assert.equal(manifest.sideEffects, false);
});

test("the client needs nothing but what browsers have", async () => {
  const server = await ScriptedServer.start();
  server.reply(503, {});
  server.reply(200, FREE_SLOTS);
  try {
    const library = await loadWithoutNode();
    const client: CalendarClient = new library.CalendarClient(server.url, "key");
    const slots = await client.getFreeSlots("agent", "2027-03-01", "2027-03-07");
    assert.equal(JSON.stringify(slots), JSON.stringify(FREE_SLOTS));
    assert.equal(server.seen.length, 2);
  } finally {
    await server.stop();
  }
});

/** Run the build where `process`, `require` and `Buffer` do not exist. */
async function loadWithoutNode(): Promise<Library> {
  const code = await readFile(load.resolve("universal-calendar-client"), "utf8");
  const { fetch, crypto, performance, setTimeout } = globalThis;
  const platform = { fetch, crypto, performance, setTimeout };
  const classes = { AbortSignal, URL, URLSearchParams };
  const module = { exports: {} as Library };
  const { exports } = module;
  runInNewContext(code, { ...platform, ...classes, module, exports });
  return module.exports;
}
