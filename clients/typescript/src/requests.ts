import { type Answer, Failure, type Outcome } from "./answer.js";
import {
  CalendarAPIError,
  errorFor,
  factsOf,
  ServiceUnavailableError,
} from "./errors.js";
import { Fields, MalformedAnswerError } from "./fields.js";
import type {
  Booking,
  BookingDetails,
  BookingRequest,
  DaySlots,
  FreeSlots,
  Remarks,
  Slot,
} from "./results.js";

/** The length of an appointment when nobody says otherwise, as in the service. */
export const DEFAULT_DURATION_MINUTES = 30;

/** One HTTP request without the API key, which only the shell knows. */
export interface HTTPRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One call of the API: what to send, and how to read what comes back. */
export interface Call<Result> {
  readonly request: HTTPRequest;
  readonly parse: (answer: Fields) => Result;
  readonly idempotencyKey?: string;
}

/** What to ask the list of free slots for. */
export interface SlotQuery {
  readonly agentId: string;
  readonly startDate: string;
  readonly endDate: string;
  readonly durationMinutes: number;
}

/** Return the parsed answer, or throw the error that the outcome stands for. */
export function resultOf<Result>(call: Call<Result>, outcome: Outcome): Result {
  if (outcome instanceof Failure) throw unanswered(call, outcome.error);
  if (!outcome.successful) throw errorFor(outcome, call.idempotencyKey);
  try {
    return call.parse(Fields.of(outcome.json()));
  } catch (error) {
    throw unreadable(call, outcome, error);
  }
}

/** Ask for the free slots between two local dates, both included. */
export function freeSlotsCall(baseURL: string, query: SlotQuery): Call<FreeSlots> {
  const agentId = pathSegment("agentId", query.agentId);
  const parameters = new URLSearchParams({
    start_date: text("startDate", query.startDate),
    end_date: text("endDate", query.endDate),
    duration_minutes: String(query.durationMinutes),
  });
  const url = `${baseURL}/api/calendar/free-slots/${agentId}?${parameters}`;
  return { request: { method: "GET", url, headers: {} }, parse: freeSlots };
}

/** Ask for one booking; every try of the call carries the same key. */
export function bookingCall(
  baseURL: string,
  booking: BookingRequest,
  idempotencyKey: string,
): Call<Booking> {
  const request: HTTPRequest = {
    method: "POST",
    url: `${baseURL}/api/calendar/external-booking`,
    headers: {
      "Content-Type": "application/json",
      "Idempotency-Key": headerText("idempotencyKey", idempotencyKey),
    },
    body: JSON.stringify(bookingBody(booking)),
  };
  return { request, parse: confirmedBooking, idempotencyKey };
}

/**
 * Return the address without a final slash; refuse what is no plain HTTP address.
 *
 * A user name or password in it would end up in messages and logs.
 */
export function checkedBaseURL(baseURL: string): string {
  const url = URL.canParse(baseURL) ? new URL(baseURL) : undefined;
  const plain = url?.protocol === "http:" || url?.protocol === "https:";
  if (!url || !plain || url.username || url.password || url.search || url.hash) {
    throw new TypeError("baseURL must look like https://calendar.example.com");
  }
  return (url.origin + url.pathname).replace(/\/+$/, "");
}

/** Return a value that fits a header; refuse others without repeating them. */
export function headerText(name: string, value: string): string {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text(name, value))) return value;
  throw new TypeError(`${name} must be printable ASCII without blanks at the ends`);
}

/** Pass a text, for the service to judge; refuse a Date and the like. */
function text(name: string, value: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${name} must be a string`);
}

/** Escape an id for the path; fetch would resolve an empty one or dots. */
function pathSegment(name: string, value: string): string {
  if (!/^\.{0,2}$/.test(text(name, value))) return encodeURIComponent(value);
  throw new TypeError(`${name} must be the id of an agent`);
}

/** Choose the known fields; optional ones without a value are left out. */
function bookingBody(booking: BookingRequest): BookingRequest {
  return {
    agent_id: booking.agent_id,
    participant_name: booking.participant_name,
    booking_date: text("booking_date", booking.booking_date),
    booking_time: text("booking_time", booking.booking_time),
    duration_minutes: booking.duration_minutes ?? DEFAULT_DURATION_MINUTES,
    ...withoutEmpty({
      participant_email: booking.participant_email,
      participant_phone: booking.participant_phone,
      description: booking.description,
      external_reference_id: booking.external_reference_id,
    }),
  };
}

function withoutEmpty(
  fields: Record<string, string | null | undefined>,
): Record<string, string> {
  const filled = Object.entries(fields).filter(([, value]) => value);
  return Object.fromEntries(filled) as Record<string, string>;
}

function unanswered(call: Call<unknown>, cause: unknown): CalendarAPIError {
  // The platform's own words stay in the cause: they may quote what was sent.
  const detail = `No answer from the calendar service: ${nameOf(cause)}`;
  return new ServiceUnavailableError(detail, {
    cause,
    idempotencyKey: call.idempotencyKey,
  });
}

/** Name a failure by the system's code, which Node.js hides in the cause. */
function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return "failed";
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : error.name;
}

function unreadable(
  call: Call<unknown>,
  answer: Answer,
  cause: unknown,
): CalendarAPIError {
  // What JSON.parse complains of quotes the body, so it is not passed on.
  const malformed = cause instanceof MalformedAnswerError;
  const reason = malformed ? cause.message : "the body is not JSON";
  return new CalendarAPIError(
    `The calendar service sent an answer that cannot be read: ${reason}`,
    factsOf(answer, call.idempotencyKey),
  );
}

function freeSlots(answer: Fields): FreeSlots {
  return {
    agent_id: answer.text("agent_id"),
    start_date: answer.text("start_date"),
    end_date: answer.text("end_date"),
    timezone: answer.text("timezone"),
    slot_duration_minutes: answer.integer("slot_duration_minutes"),
    total_days_with_availability: answer.integer("total_days_with_availability"),
    available_slots: answer.children("available_slots").map(daySlots),
    ...remarks(answer),
  };
}

function daySlots(day: Fields): DaySlots {
  return {
    date: day.text("date"),
    day_of_week: day.text("day_of_week"),
    total_slots: day.integer("total_slots"),
    slots: day.children("slots").map(slot),
  };
}

function slot(fields: Fields): Slot {
  return {
    start: fields.text("start"),
    end: fields.text("end"),
    duration_minutes: fields.integer("duration_minutes"),
  };
}

function confirmedBooking(answer: Fields): Booking {
  return {
    status: answer.exactly("status", "success"),
    booking_id: answer.text("booking_id"),
    message: answer.text("message"),
    details: bookingDetails(answer.child("details")),
    ...remarks(answer),
  };
}

function bookingDetails(details: Fields): BookingDetails {
  return {
    event_id: details.text("event_id"),
    agent_id: details.text("agent_id"),
    participant_name: details.text("participant_name"),
    booking_date: details.text("booking_date"),
    booking_time: details.text("booking_time"),
    duration_minutes: details.integer("duration_minutes"),
    external_reference_id: details.optionalText("external_reference_id"),
  };
}

function remarks(answer: Fields): Remarks {
  return {
    ...(answer.has("warnings") && { warnings: answer.texts("warnings") }),
    ...(answer.has("verified") && { verified: answer.flag("verified") }),
  };
}
