import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

type Step = (response: ServerResponse) => void;

/** One request as it arrived. */
export interface Seen {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Answer each request over a real socket with the next step of a script. */
export class ScriptedServer {
  readonly seen: Seen[] = [];
  readonly #script: Step[] = [];
  readonly #server = createServer((request, response) => {
    void this.#serve(request, response);
  });

  static async start(): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get idempotencyKeys(): (string | string[] | undefined)[] {
    return this.seen.map((request) => request.headers["idempotency-key"]);
  }

  /** Answer with JSON. */
  reply(status: number, body: unknown, headers: Record<string, string> = {}): void {
    this.replyRaw(status, JSON.stringify(body), headers);
  }

  /** Answer with any text. */
  replyRaw(status: number, body: string, headers: Record<string, string> = {}): void {
    this.#script.push((response) => response.writeHead(status, headers).end(body));
  }

  /** Take the request and close the connection without a word. */
  drop(): void {
    this.#script.push((response) => response.destroy());
  }

  /** Close the connection in the middle of an answer. */
  cut(): void {
    this.#script.push((response) => {
      response.writeHead(201, { "Content-Length": "1000" });
      response.write('{"status": "succ', () => response.destroy());
    });
  }

  /** Say nothing until the test is over. */
  stall(): void {
    this.#script.push(() => undefined);
  }

  /** Begin an answer and say no more. */
  stallInBody(): void {
    this.#script.push((response) => {
      response.writeHead(201, { "Content-Length": "1000" }).write("{");
    });
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method, url: target, headers } = request;
    this.seen.push({ method, target, headers, body: String(Buffer.concat(chunks)) });
    const step = this.#script.shift();
    if (step) step(response);
    else response.writeHead(418).end("script over");
  }
}
