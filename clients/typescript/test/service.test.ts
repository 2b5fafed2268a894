import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import {
  AuthenticationError,
  BookingConflictError,
  type BookingRequest,
  CalendarAPIError,
  CalendarClient,
  type FreeSlots,
  ValidationError,
} from "universal-calendar-client";
import { day, service } from "./service.js";

const UNKNOWN_AGENT = "00000000-0000-4000-8000-000000000000";
const WEEK = [day(7), day(13)] as const;

const run = promisify(execFile);
const client = new CalendarClient(service.url, service.apiKey);
let slots: FreeSlots;
let free: BookingRequest;

beforeEach(async () => {
  slots = await client.getFreeSlots(service.agentId, ...WEEK);
  const [first] = slots.available_slots;
  assert.ok(first?.slots[0], "the agent has no free slot");
  free = {
    agent_id: service.agentId,
    participant_name: "Test User",
    booking_date: first.date,
    booking_time: first.slots[0].start,
  };
});

async function failure(call: Promise<unknown>): Promise<CalendarAPIError> {
  const error: unknown = await call.then(
    () => assert.fail("the call succeeded"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof CalendarAPIError, String(error));
  return error;
}

test("scenario 1: free slots", () => {
  assert.equal(slots.agent_id, service.agentId);
  assert.deepEqual([slots.start_date, slots.end_date], WEEK);
  assert.equal(slots.timezone, "UTC");
  assert.equal(slots.total_days_with_availability, slots.available_slots.length);
  for (const listed of slots.available_slots) {
    assert.equal(listed.total_slots, listed.slots.length);
  }
});

test("scenario 2: a wrong key", async () => {
  const stranger = new CalendarClient(service.url, "wrong-api-key");
  const error = await failure(stranger.getFreeSlots(service.agentId, ...WEEK));
  assert.ok(error instanceof AuthenticationError);
  assert.deepEqual([error.statusCode, error.detail], [401, "Invalid API key"]);
  assert.ok(error.requestId);
});

test("scenario 3: a booking", async () => {
  const booking = await client.bookAppointment(free);
  assert.equal(booking.status, "success");
  assert.equal(booking.details.event_id, booking.booking_id);
  assert.equal(booking.details.booking_time, free.booking_time);
  assert.equal(booking.details.external_reference_id, null);
});

test("scenario 4: the past", async () => {
  const error = await failure(
    client.bookAppointment({ ...free, booking_date: "2020-01-01" }),
  );
  assert.deepEqual([error.constructor, error.statusCode], [CalendarAPIError, 400]);
  assert.match(error.detail, /past/i);
});

test("scenario 5: the same slot twice", async () => {
  await client.bookAppointment({ ...free, participant_name: "User 1" });
  const error = await failure(
    client.bookAppointment({ ...free, participant_name: "User 2" }),
  );
  assert.ok(error instanceof BookingConflictError);
  assert.deepEqual([error.statusCode, error.code], [409, "slot_taken"]);
  const { booking_time: time, booking_date: date } = free;
  assert.equal(error.detail, `Time slot ${time} on ${date} is not available`);
});

test("scenario 6: a wrong time", async () => {
  const error = await failure(
    client.bookAppointment({ ...free, booking_time: "2:30 PM" }),
  );
  assert.ok(error instanceof ValidationError);
  assert.equal(error.statusCode, 422);
  const places = error.errors.map((wrong) => wrong.location);
  assert.deepEqual(places, [["body", "booking_time"]]);
});

test("an alternative can be booked", async () => {
  await client.bookAppointment(free);
  const error = await failure(client.bookAppointment(free));
  assert.ok(error instanceof BookingConflictError);
  const [nearest] = error.alternatives;
  assert.ok(nearest);
  const booking = await client.bookAppointment({
    ...free,
    booking_date: nearest.date,
    booking_time: nearest.start,
    duration_minutes: nearest.duration_minutes,
  });
  assert.equal(booking.status, "success");
});

test("a booked slot is listed no more", async () => {
  await client.bookAppointment(free);
  const { booking_date: date, booking_time: time } = free;
  const after = await client.getFreeSlots(service.agentId, date, date);
  const starts = after.available_slots.flatMap((listed) =>
    listed.slots.map((slot) => slot.start),
  );
  assert.ok(!starts.includes(time));
});

test("one idempotency key books once", async () => {
  const options = { idempotencyKey: `once-${free.booking_date}-${free.booking_time}` };
  const first = await client.bookAppointment(free, options);
  assert.deepEqual(await client.bookAppointment(free, options), first);
  const another = { ...free, participant_name: "Somebody else" };
  const error = await failure(client.bookAppointment(another, options));
  assert.ok(error instanceof ValidationError);
});

test("every optional field is accepted", async () => {
  const { details } = await client.bookAppointment({
    ...free,
    participant_name: "Zoë O'Neil",
    participant_email: "zoe@example.com",
    participant_phone: "+1-555-0123",
    duration_minutes: 30,
    description: "First visit",
    external_reference_id: `EXT-${free.booking_date}-${free.booking_time}`,
  });
  assert.equal(details.participant_name, "Zoë O'Neil");
  assert.match(details.external_reference_id ?? "", /^EXT-/);
});

test("an unknown agent", async () => {
  const error = await failure(client.getFreeSlots(UNKNOWN_AGENT, ...WEEK));
  assert.equal(error.statusCode, 404);
  assert.ok(error.detail.includes(UNKNOWN_AGENT));
});

test("dates in the wrong order", async () => {
  const error = await failure(client.getFreeSlots(service.agentId, day(7), day(6)));
  assert.equal(error.statusCode, 400);
  assert.equal(error.detail, "end_date must be after start_date");
});

test("the guide's example program", async () => {
  const program = fileURLToPath(new URL("consumer/guide.cjs", import.meta.url));
  const environment = { AIOOS_BASE_URL: service.url, AIOOS_API_KEY: service.apiKey };
  const { stdout, stderr } = await run(
    process.execPath,
    [program, service.agentId, ...WEEK],
    { env: { ...process.env, ...environment } },
  );
  assert.equal(stderr, "");
  assert.match(stdout, /Booking confirmed!\n {3}Booking ID: [0-9a-f-]{36}\n/);
});
