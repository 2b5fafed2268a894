import { createRequire } from "node:module";
import * as esm from "universal-calendar-client";

export type Library = typeof esm;

const load = createRequire(import.meta.url);

/** The package as `import` and as `require` find it: two builds, one behaviour. */
export const BUILDS: readonly (readonly [string, Library])[] = [
  ["import", esm],
  ["require", load("universal-calendar-client") as Library],
];
