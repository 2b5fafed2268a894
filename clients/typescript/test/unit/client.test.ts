import assert from "node:assert/strict";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, test } from "node:test";
import { inspect } from "node:util";
import type { CalendarClient, CalendarClientOptions } from "universal-calendar-client";
import { AGENT, BOOKING, FREE_SLOTS, OFFER, REQUEST, TAKEN } from "./answers.js";
import { BUILDS } from "./builds.js";
import { ScriptedServer } from "./scripted-server.js";

const API_KEY = "key-that-must-stay-in-its-header";
const AWAY = { detail: "The database is away", code: "unavailable" };
const WEEK = [AGENT, "2027-03-01", "2027-03-07"] as const;

for (const [build, library] of BUILDS) {
  describe(`the client that ${build} finds`, () => {
    let server: ScriptedServer;
    let waits: number[];

    beforeEach(async () => {
      server = await ScriptedServer.start();
      waits = [];
    });

    afterEach(() => server.stop());

    function connect(
      options: CalendarClientOptions = {},
      url = server.url,
    ): CalendarClient {
      const sleep = async (seconds: number): Promise<void> => {
        waits.push(seconds);
      };
      return new library.CalendarClient(url, API_KEY, { sleep, ...options });
    }

    async function failure(
      call: Promise<unknown>,
    ): Promise<InstanceType<typeof library.CalendarAPIError>> {
      const error: unknown = await call.then(
        () => assert.fail("the call succeeded"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof library.CalendarAPIError, inspect(error));
      return error;
    }

    test("free slots travel as the guide says", async () => {
      server.reply(200, FREE_SLOTS);
      assert.deepEqual(await connect().getFreeSlots(...WEEK, 45), FREE_SLOTS);
      const [request] = server.seen;
      assert.equal(
        request?.target,
        `/api/calendar/free-slots/${AGENT}` +
          "?start_date=2027-03-01&end_date=2027-03-07&duration_minutes=45",
      );
      assert.equal(request.headers["x-api-key"], API_KEY);
      assert.equal(request.headers.accept, "application/json");
      assert.equal(request.headers["idempotency-key"], undefined);
    });

    test("the duration is 30 minutes unless told", async () => {
      server.reply(200, FREE_SLOTS);
      await connect().getFreeSlots(...WEEK);
      assert.match(server.seen[0]?.target ?? "", /&duration_minutes=30$/);
    });

    test("a booking travels as the guide says", async () => {
      server.reply(201, BOOKING);
      assert.deepEqual(await connect().bookAppointment(REQUEST), BOOKING);
      const [request] = server.seen;
      assert.equal(request?.method, "POST");
      assert.equal(request.target, "/api/calendar/external-booking");
      assert.deepEqual(JSON.parse(request.body), { ...REQUEST, duration_minutes: 30 });
      assert.equal(request.headers["content-type"], "application/json");
      assert.equal(request.headers["x-api-key"], API_KEY);
      assert.match(String(server.idempotencyKeys[0]), /^[0-9a-f]{32}$/);
    });

    test("all tries of a booking share one key and one body", async () => {
      server.drop();
      server.reply(503, AWAY);
      server.cut();
      server.reply(201, BOOKING);
      const booking = await connect().bookAppointment(REQUEST);
      assert.equal(booking.status, "success");
      assert.equal(server.seen.length, 4);
      assert.equal(new Set(server.idempotencyKeys).size, 1);
      assert.equal(new Set(server.seen.map((request) => request.body)).size, 1);
      assert.equal(waits.length, 3);
      [0.5, 1, 2].forEach((most, index) => {
        assert.ok((waits[index] ?? -1) >= 0 && (waits[index] ?? 99) <= most);
      });
    });

    test("each booking has its own key", async () => {
      server.reply(201, BOOKING);
      server.reply(201, BOOKING);
      const client = connect();
      await client.bookAppointment(REQUEST);
      await client.bookAppointment(REQUEST);
      assert.equal(new Set(server.idempotencyKeys).size, 2);
    });

    test("the caller's key is used", async () => {
      server.reply(500, AWAY);
      server.reply(201, BOOKING);
      await connect().bookAppointment(REQUEST, { idempotencyKey: "call-42" });
      assert.deepEqual(server.idempotencyKeys, ["call-42", "call-42"]);
    });

    test("a query is tried again too", async () => {
      server.replyRaw(502, "<html>Bad gateway</html>");
      server.reply(200, FREE_SLOTS);
      assert.deepEqual(await connect().getFreeSlots(...WEEK), FREE_SLOTS);
    });

    test("tries are bounded and the error keeps the key", async () => {
      for (let i = 0; i < 9; i += 1) server.reply(503, AWAY, { "X-Request-ID": "r-9" });
      const error = await failure(connect().bookAppointment(REQUEST));
      assert.ok(error instanceof library.ServiceUnavailableError);
      assert.deepEqual([server.seen.length, waits.length], [4, 3]);
      assert.deepEqual([error.statusCode, error.code], [503, "unavailable"]);
      assert.equal(error.requestId, "r-9");
      assert.equal(error.idempotencyKey, server.idempotencyKeys[0]);
    });

    test("Retry-After is waited for", async () => {
      server.reply(429, { detail: "Slow down" }, { "Retry-After": "7" });
      server.reply(200, FREE_SLOTS);
      await connect().getFreeSlots(...WEEK);
      assert.equal(waits.length, 1);
      assert.ok(Number(waits[0]) >= 7 && Number(waits[0]) <= 7.5);
    });

    test("a long Retry-After is handed to the caller", async () => {
      server.reply(429, { detail: "Slow down" }, { "Retry-After": "900" });
      const error = await failure(connect().getFreeSlots(...WEEK));
      assert.ok(error instanceof library.RateLimitedError);
      assert.deepEqual([error.retryAfter, waits.length], [900, 0]);
    });

    test("the total counts the time that tries take", async () => {
      server.stall();
      const retries = { firstDelay: 0, totalSeconds: 0.1 };
      const client = connect({ timeoutSeconds: 0.2, retries });
      const error = await failure(client.getFreeSlots(...WEEK));
      assert.match(error.message, /TimeoutError/);
      assert.equal(server.seen.length, 1);
    });

    for (const [status, name] of [
      [400, "CalendarAPIError"],
      [401, "AuthenticationError"],
      [404, "CalendarAPIError"],
      [409, "BookingConflictError"],
      [422, "ValidationError"],
    ] as const) {
      test(`${status} is final`, async () => {
        server.reply(status, { detail: "No" });
        const error = await failure(connect().bookAppointment(REQUEST));
        assert.equal(error.constructor, library[name]);
        assert.equal(server.seen.length, 1);
      });
    }

    test("a conflict brings its alternatives", async () => {
      const body = { detail: TAKEN, code: "slot_taken", alternatives: [OFFER] };
      server.reply(409, body);
      const error = await failure(connect().bookAppointment(REQUEST));
      assert.ok(error instanceof library.BookingConflictError);
      assert.deepEqual([error.code, error.alternatives], ["slot_taken", [OFFER]]);
    });

    test("silence is a timeout and tried again", async () => {
      server.stall();
      server.stallInBody();
      server.reply(201, BOOKING);
      const client = connect({ timeoutSeconds: 0.2001 });
      assert.deepEqual(await client.bookAppointment(REQUEST), BOOKING);
      assert.equal(new Set(server.idempotencyKeys).size, 1);
      assert.equal(server.seen.length, 3);
    });

    test("nobody listening is an error of ours", async () => {
      const client = connect({}, await deserted());
      const error = await failure(client.bookAppointment(REQUEST));
      assert.ok(error instanceof library.ServiceUnavailableError);
      assert.match(error.message, /ECONNREFUSED/);
      assert.deepEqual([error.statusCode, waits.length], [undefined, 3]);
      assert.ok(error.idempotencyKey);
      assert.ok(error.cause instanceof Error);
    });

    for (const [name, body] of [
      ["an HTML page", "<html>Please log in</html>"],
      ["truncated JSON", JSON.stringify(BOOKING).slice(0, 40)],
    ] as const) {
      test(`${name} is an error of ours and not tried again`, async () => {
        server.replyRaw(201, body, { "Content-Type": "text/html" });
        const error = await failure(connect().bookAppointment(REQUEST));
        assert.match(error.message, /cannot be read: the body is not JSON/);
        assert.equal(error.idempotencyKey, server.idempotencyKeys[0]);
        assert.equal(server.seen.length, 1);
      });
    }

    test("a redirect is not followed", async () => {
      server.reply(307, {}, { Location: `${server.url}/elsewhere` });
      const error = await failure(connect().getFreeSlots(...WEEK));
      assert.deepEqual([error.statusCode, server.seen.length], [307, 1]);
    });

    test("a fetch can be injected and is called as a plain function", async () => {
      const calls: unknown[] = [];
      async function answer(this: unknown, url: string): Promise<Response> {
        calls.push(this, url.startsWith("http://test/api/calendar/free-slots/"));
        return Response.json(FREE_SLOTS);
      }
      const client = connect({ fetch: answer }, "http://test");
      assert.deepEqual(await client.getFreeSlots(...WEEK), FREE_SLOTS);
      assert.deepEqual(calls, [undefined, true]);
    });

    test("without a sleep of the caller's it really waits", async () => {
      server.reply(503, AWAY, { "Retry-After": "1" });
      server.reply(200, FREE_SLOTS);
      const started = performance.now();
      await connect({ sleep: undefined }).getFreeSlots(...WEEK);
      assert.ok(performance.now() - started >= 990);
    });

    test("neither key nor name is shown", async () => {
      server.drop();
      server.reply(409, { detail: "Time slot is not available" });
      const client = connect();
      const options = { idempotencyKey: "key-of-call-42" };
      const refused = await failure(client.bookAppointment(REQUEST, options));
      const nobody = connect({}, await deserted());
      const lost = await failure(nobody.bookAppointment(REQUEST, options));
      const values = [client, refused, lost];
      const shown = values.map((value) => [
        inspect(value, { depth: null, showHidden: true, getters: false }),
        JSON.stringify(value),
        JSON.stringify(Object.getOwnPropertyDescriptors(value)),
        String(value),
      ]);
      for (const secret of [API_KEY, REQUEST.participant_name, "key-of-call-42"]) {
        assert.ok(!shown.flat().join().includes(secret), secret);
      }
    });

    test("impossible arguments are refused at once", async () => {
      const { CalendarClient } = library;
      assert.throws(() => new CalendarClient("http://host", "bad\nkey"), TypeError);
      assert.throws(() => new CalendarClient("host", API_KEY), TypeError);
      assert.throws(() => connect({ retries: { tries: 0 } }), RangeError);
      assert.throws(() => connect({ timeoutSeconds: Number.NaN }), RangeError);
      const client = connect();
      const keyed = client.bookAppointment(REQUEST, { idempotencyKey: "" });
      await assert.rejects(keyed, TypeError);
      assert.equal(server.seen.length, 0);
    });
  });
}

/** Return an address where nobody listens any more. */
async function deserted(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(address && typeof address === "object");
  return `http://127.0.0.1:${address.port}`;
}
