import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Answer } from "../../src/answer.js";
import { CalendarAPIError } from "../../src/errors.js";
import {
  bookingCall,
  type Call,
  checkedBaseURL,
  freeSlotsCall,
  headerText,
  resultOf,
} from "../../src/requests.js";
import { AGENT, BOOKING, FREE_SLOTS, REQUEST } from "./answers.js";

const QUERY = {
  agentId: AGENT,
  startDate: "2027-03-01",
  endDate: "2027-03-07",
  durationMinutes: 30,
};
const SLOTS_CALL = freeSlotsCall("http://host", QUERY);
const BOOKING_CALL = bookingCall("http://host", REQUEST, "my-key");

function read<Result>(call: Call<Result>, body: unknown, status = 200): Result {
  return resultOf(call, new Answer(status, new Headers(), JSON.stringify(body)));
}

function sentBody(booking: object): unknown {
  const call = bookingCall("http://host", { ...REQUEST, ...booking }, "my-key");
  return JSON.parse(call.request.body ?? "");
}

describe("requests", () => {
  test("free slots are asked at the guide's address", () => {
    assert.deepEqual(SLOTS_CALL.request, {
      method: "GET",
      url:
        `http://host/api/calendar/free-slots/${AGENT}` +
        "?start_date=2027-03-01&end_date=2027-03-07&duration_minutes=30",
      headers: {},
    });
  });

  test("an agent id cannot leave its place in the path", () => {
    const { url } = freeSlotsCall("http://host", {
      ...QUERY,
      agentId: "../x?y#z%2e",
    }).request;
    const path = "/api/calendar/free-slots/..%2Fx%3Fy%23z%252e";
    assert.equal(new URL(url).pathname, path);
    for (const agentId of ["", ".", ".."]) {
      assert.throws(
        () => freeSlotsCall("http://host", { ...QUERY, agentId }),
        TypeError,
      );
    }
  });

  test("the body of a booking has the guide's fields and no key", () => {
    assert.equal(BOOKING_CALL.request.headers["Idempotency-Key"], "my-key");
    assert.deepEqual(sentBody({ api_key: "secret", unknown: 1 }), {
      ...REQUEST,
      duration_minutes: 30,
    });
  });

  test("optional fields are sent when they have a value", () => {
    const fields = { participant_email: "ada@example.com", duration_minutes: 45 };
    const empty = { description: "", participant_phone: null };
    assert.deepEqual(sentBody({ ...fields, ...empty }), { ...REQUEST, ...fields });
  });

  test("text is left for the service to judge, a Date is not", () => {
    assert.deepEqual(sentBody({ booking_time: "2:30 PM" }), {
      ...REQUEST,
      booking_time: "2:30 PM",
      duration_minutes: 30,
    });
    const startDate = new Date(0) as unknown as string;
    assert.throws(() => freeSlotsCall("http://host", { ...QUERY, startDate }), {
      message: "startDate must be a string",
    });
    assert.throws(() => sentBody({ booking_date: new Date(0) }), TypeError);
  });

  for (const value of [
    "",
    " geheim",
    "geheim ",
    "ge\nheim",
    "schlüssel",
    "\x7f",
    "x\n",
  ]) {
    test(`${JSON.stringify(value)} is unfit for a header`, () => {
      assert.throws(() => headerText("apiKey", value), {
        name: "TypeError",
        message: "apiKey must be printable ASCII without blanks at the ends",
      });
    });
  }

  for (const address of [
    "",
    "host",
    "/calendar",
    "ftp://host",
    "http://",
    "http://key@host",
    "http://:key@host",
    "http://h?x=1",
    "http://h#x",
  ]) {
    test(`"${address}" is no address of a service`, () => {
      assert.throws(() => checkedBaseURL(address), {
        name: "TypeError",
        message: "baseURL must look like https://calendar.example.com",
      });
    });
  }

  test("an address may have a port, a path and a final slash", () => {
    const address = "https://host:8443/calendar/";
    assert.equal(checkedBaseURL(address), "https://host:8443/calendar");
    assert.equal(checkedBaseURL("http://host"), "http://host");
  });
});

describe("answers", () => {
  test("free slots and bookings are returned as they came", () => {
    assert.deepEqual(read(SLOTS_CALL, FREE_SLOTS), FREE_SLOTS);
    assert.deepEqual(read(BOOKING_CALL, BOOKING, 201), BOOKING);
  });

  test("a reference comes back", () => {
    const details = { ...BOOKING.details, external_reference_id: "EXT-1" };
    const booking = read(BOOKING_CALL, { ...BOOKING, details }, 201);
    assert.equal(booking.details.external_reference_id, "EXT-1");
  });

  test("remarks appear only when the service makes them", () => {
    assert.ok(!("verified" in read(SLOTS_CALL, FREE_SLOTS)));
    const remarks = { warnings: ["One calendar is silent"], verified: false };
    const slots = read(SLOTS_CALL, { ...FREE_SLOTS, ...remarks });
    assert.deepEqual(slots, { ...FREE_SLOTS, ...remarks });
  });

  test("fields of a later version do no harm", () => {
    assert.deepEqual(read(SLOTS_CALL, { ...FREE_SLOTS, later: 1 }), FREE_SLOTS);
  });

  for (const [name, content] of [
    ["empty", ""],
    ["HTML", "<html>Ada Lovelace</html>"],
    ["cut", '{"agent_id": "47'],
    ["list", "[]"],
    ["null", "null"],
    ["deep", "[".repeat(200_000)],
  ] as const) {
    test(`a body that is ${name} is a clear error`, () => {
      const headers = new Headers({ "X-Request-ID": "r-1" });
      const answer = new Answer(200, headers, content);
      assert.throws(
        () => resultOf(SLOTS_CALL, answer),
        (error) =>
          error instanceof CalendarAPIError &&
          error.message.includes("cannot be read") &&
          !error.message.includes("Ada") &&
          error.statusCode === 200 &&
          error.requestId === "r-1",
      );
    });
  }

  for (const [name, value, reason] of [
    ["timezone", null, /timezone is not text/],
    ["slot_duration_minutes", true, /slot_duration_minutes is not a whole number/],
    ["slot_duration_minutes", "30", /slot_duration_minutes is not a whole number/],
    ["slot_duration_minutes", 30.5, /slot_duration_minutes is not a whole number/],
    ["available_slots", {}, /available_slots is not a list/],
    ["available_slots", ["x"], /available_slots\[0\] is not an object/],
    ["available_slots", [{ date: 1 }], /available_slots\[0\]\.date is not text/],
    ["warnings", "x", /warnings is not a list/],
    ["warnings", [1], /warnings is not a list of texts/],
    ["verified", 0, /verified is not true or false/],
  ] as const) {
    test(`${name} = ${JSON.stringify(value)} is named as wrong`, () => {
      assert.throws(() => read(SLOTS_CALL, { ...FREE_SLOTS, [name]: value }), reason);
    });
  }

  for (const [name, value] of [
    ["status", "error"],
    ["booking_id", undefined],
    ["message", undefined],
    ["details", undefined],
  ] as const) {
    test(`a booking with a wrong ${name} is an error that keeps its key`, () => {
      assert.throws(
        () => read(BOOKING_CALL, { ...BOOKING, [name]: value }, 201),
        (error) =>
          error instanceof CalendarAPIError &&
          error.message.includes(name) &&
          error.idempotencyKey === "my-key",
      );
    });
  }
});
