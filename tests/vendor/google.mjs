// Google as @emulators/google plays it: `node google.mjs SEED`, a file of JSON.
import { readFileSync } from "node:fs";
import { createServer as listen } from "node:http";
import { createServer } from "@emulators/core";
import { googlePlugin, seedFromConfig } from "@emulators/google";

const seed = JSON.parse(readFileSync(process.argv[2], "utf8"));
const { app, store } = createServer(googlePlugin);
seedFromConfig(store, "http://127.0.0.1", seed);

const server = listen(async (incoming, outgoing) => {
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  const hasBody = !["GET", "HEAD"].includes(incoming.method);
  const request = new Request(`http://127.0.0.1${incoming.url}`, {
    method: incoming.method,
    headers: incoming.headers,
    body: hasBody ? Buffer.concat(pieces) : undefined,
  });
  const response = await app.fetch(request);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
});
server.listen(0, "127.0.0.1", () => {
  console.log(`Listening on http://127.0.0.1:${server.address().port}`);
});
