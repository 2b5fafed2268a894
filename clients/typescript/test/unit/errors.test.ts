import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Answer } from "../../src/answer.js";
import {
  AuthenticationError,
  BookingConflictError,
  CalendarAPIError,
  errorFor,
  RateLimitedError,
  ServiceUnavailableError,
  ValidationError,
} from "../../src/errors.js";
import { OFFER, TAKEN } from "./answers.js";

function problem(status: number, body: unknown, headers = {}): CalendarAPIError {
  const answer = new Answer(status, new Headers(headers), JSON.stringify(body));
  return errorFor(answer, "my-key");
}

function conflict(body: unknown): BookingConflictError {
  const error = problem(409, body);
  assert.ok(error instanceof BookingConflictError);
  return error;
}

function invalid(body: unknown): ValidationError {
  const error = problem(422, body);
  assert.ok(error instanceof ValidationError);
  return error;
}

for (const [status, expected] of [
  [301, CalendarAPIError],
  [400, CalendarAPIError],
  [401, AuthenticationError],
  [403, CalendarAPIError],
  [404, CalendarAPIError],
  [409, BookingConflictError],
  [413, CalendarAPIError],
  [422, ValidationError],
  [429, RateLimitedError],
  [500, ServiceUnavailableError],
  [501, CalendarAPIError],
  [502, ServiceUnavailableError],
  [503, ServiceUnavailableError],
  [504, ServiceUnavailableError],
] as const) {
  test(`${status} is a ${expected.name}`, () => {
    const error = problem(status, { detail: "words" });
    assert.equal(error.constructor, expected);
    assert.ok(error instanceof CalendarAPIError);
    assert.deepEqual([error.name, error.statusCode], [expected.name, status]);
    assert.equal(error.detail, "words");
  });
}

test("an error says what the operator will ask for", () => {
  const body = { detail: "No", code: "forbidden" };
  const error = problem(403, body, { "X-Request-ID": "r-7", "Retry-After": "9" });
  assert.equal(error.message, "No (status 403, request r-7)");
  assert.deepEqual([error.code, error.requestId], ["forbidden", "r-7"]);
  assert.deepEqual([error.retryAfter, error.idempotencyKey], [9, "my-key"]);
});

test("a printed error keeps the caller's key to itself", () => {
  const error = conflict({ detail: TAKEN, code: "slot_taken", alternatives: [OFFER] });
  const shown = inspect(error, { depth: null, showHidden: true });
  assert.ok(!(shown + JSON.stringify(error)).includes("my-key"));
  assert.match(shown, /^BookingConflictError: Time slot/);
  assert.match(shown, /code: 'slot_taken'/);
});

test("a conflict offers alternatives", () => {
  const error = conflict({ detail: TAKEN, code: "slot_taken", alternatives: [OFFER] });
  assert.deepEqual([error.detail, error.code], [TAKEN, "slot_taken"]);
  assert.deepEqual(error.alternatives, [OFFER]);
});

for (const body of [
  { detail: TAKEN },
  { detail: TAKEN, alternatives: null },
  { detail: TAKEN, alternatives: [{ ...OFFER, start: 9 }] },
  [],
]) {
  test(`a conflict with the offer ${JSON.stringify(body)} is still one`, () => {
    assert.deepEqual(conflict(body).alternatives, []);
  });
}

test("wrong fields are listed", () => {
  const wrong = { loc: ["body", "booking_time"], msg: "Invalid time", type: "value" };
  const error = invalid({ detail: [wrong, { loc: ["query", 0], msg: "No" }] });
  assert.deepEqual(error.errors, [
    { location: ["body", "booking_time"], message: "Invalid time" },
    { location: ["query", 0], message: "No" },
  ]);
  assert.equal(error.detail, "body.booking_time: Invalid time; query.0: No");
});

test("a 422 may be a sentence", () => {
  const error = invalid({ detail: "This key was used for another request" });
  assert.equal(error.detail, "This key was used for another request");
  assert.deepEqual(error.errors, []);
});

for (const body of [{}, [], { detail: null }, { detail: [1] }, "text", null]) {
  test(`the error body ${JSON.stringify(body)} is said to be foreign`, () => {
    const { detail } = problem(502, body);
    assert.equal(detail, "The answer is not one of the calendar service");
  });
}

test("HTML of a proxy is not repeated", () => {
  const error = errorFor(new Answer(502, new Headers(), "<html>internals</html>"));
  assert.ok(error instanceof ServiceUnavailableError);
  assert.ok(!inspect(error, { showHidden: true }).includes("internals"));
});

test("callers can make errors for their own tests", () => {
  const error = new BookingConflictError("taken", { statusCode: 409 });
  assert.deepEqual([error.message, error.alternatives], ["taken (status 409)", []]);
  assert.deepEqual(new ValidationError("wrong").errors, []);
  assert.equal(new CalendarAPIError("nothing arrived").statusCode, undefined);
});
