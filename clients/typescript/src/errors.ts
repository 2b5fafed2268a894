import { type Answer, isObject } from "./answer.js";
import { Fields } from "./fields.js";
import type { Alternative } from "./results.js";

/** What is known about a failed call, beside its description. */
export interface CallFacts {
  readonly statusCode?: number | undefined;
  readonly code?: string | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfter?: number | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly cause?: unknown;
}

/** One wrong field: where it stands and what is wrong with it. */
export interface FieldError {
  readonly location: readonly (string | number)[];
  readonly message: string;
}

/** The call failed; `detail` says why in the service's words. */
export class CalendarAPIError extends Error {
  static {
    CalendarAPIError.prototype.name = "CalendarAPIError";
  }

  readonly detail: string;
  /** The HTTP status, undefined when nothing arrived. */
  readonly statusCode: number | undefined;
  /** The machine-readable reason, such as `slot_taken`. */
  readonly code: string | undefined;
  /** The id to quote when asking the operator about this call. */
  readonly requestId: string | undefined;
  /** The seconds that the service asks to wait. */
  readonly retryAfter: number | undefined;
  readonly #idempotencyKey: string | undefined;

  constructor(detail: string, facts: CallFacts = {}) {
    super(messageOf(detail, facts), "cause" in facts ? { cause: facts.cause } : {});
    this.detail = detail;
    this.statusCode = facts.statusCode;
    this.code = facts.code;
    this.requestId = facts.requestId;
    this.retryAfter = facts.retryAfter;
    this.#idempotencyKey = facts.idempotencyKey;
  }

  /**
   * The key under which a failed booking may be repeated without booking twice.
   *
   * It is the caller's own, so printing the error does not show it.
   */
  get idempotencyKey(): string | undefined {
    return this.#idempotencyKey;
  }
}

/** 401: the API key is missing, wrong or revoked. */
export class AuthenticationError extends CalendarAPIError {
  static {
    AuthenticationError.prototype.name = "AuthenticationError";
  }
}

/** 409: the time cannot be booked; `code` says why. */
export class BookingConflictError extends CalendarAPIError {
  static {
    BookingConflictError.prototype.name = "BookingConflictError";
  }

  /** The nearest bookable slots, at most three. */
  readonly alternatives: readonly Alternative[];

  constructor(
    detail: string,
    facts: CallFacts & { readonly alternatives?: readonly Alternative[] } = {},
  ) {
    super(detail, facts);
    this.alternatives = facts.alternatives ?? [];
  }
}

/** 422: the service refused fields of the request. */
export class ValidationError extends CalendarAPIError {
  static {
    ValidationError.prototype.name = "ValidationError";
  }

  /** Each wrong field, none when the service gave a sentence instead. */
  readonly errors: readonly FieldError[];

  constructor(
    detail: string,
    facts: CallFacts & { readonly errors?: readonly FieldError[] } = {},
  ) {
    super(detail, facts);
    this.errors = facts.errors ?? [];
  }
}

/** 429, still so after the last try; `retryAfter` says how long to wait. */
export class RateLimitedError extends CalendarAPIError {
  static {
    RateLimitedError.prototype.name = "RateLimitedError";
  }
}

/**
 * 500, 502, 503, 504 or no answer, after the last try.
 *
 * A booking may or may not have been made.
 */
export class ServiceUnavailableError extends CalendarAPIError {
  static {
    ServiceUnavailableError.prototype.name = "ServiceUnavailableError";
  }
}

const UNAVAILABLE: readonly number[] = [500, 502, 503, 504];

/** Say whether the same request may fare better later. */
export function isTemporary(status: number): boolean {
  return status === 429 || UNAVAILABLE.includes(status);
}

/** Build the error that an unsuccessful answer stands for. */
export function errorFor(answer: Answer, idempotencyKey?: string): CalendarAPIError {
  const detail = detailOf(answer);
  const facts = factsOf(answer, idempotencyKey);
  if (UNAVAILABLE.includes(answer.status)) {
    return new ServiceUnavailableError(detail, facts);
  }
  switch (answer.status) {
    case 401:
      return new AuthenticationError(detail, facts);
    case 409:
      return new BookingConflictError(detail, {
        ...facts,
        alternatives: alternativesIn(answer),
      });
    case 422:
      return new ValidationError(detail, { ...facts, errors: fieldErrorsIn(answer) });
    case 429:
      return new RateLimitedError(detail, facts);
    default:
      return new CalendarAPIError(detail, facts);
  }
}

/** Collect what an answer says about its call. */
export function factsOf(answer: Answer, idempotencyKey?: string): CallFacts {
  const code = answer.member("code");
  return {
    statusCode: answer.status,
    code: typeof code === "string" ? code : undefined,
    requestId: answer.requestId,
    retryAfter: answer.retryAfter,
    idempotencyKey,
  };
}

/** Add what is needed to ask the operator about the call. */
function messageOf(detail: string, facts: CallFacts): string {
  if (facts.statusCode === undefined) return detail;
  const request = facts.requestId ? `, request ${facts.requestId}` : "";
  return `${detail} (status ${facts.statusCode}${request})`;
}

function detailOf(answer: Answer): string {
  const detail = answer.member("detail");
  if (typeof detail === "string") return detail;
  const wrong = fieldErrorsIn(answer).map(
    (error) => `${error.location.join(".")}: ${error.message}`,
  );
  return wrong.join("; ") || "The answer is not one of the calendar service";
}

function fieldErrorsIn(answer: Answer): FieldError[] {
  const detail = answer.member("detail");
  return Array.isArray(detail) ? detail.filter(isObject).map(fieldError) : [];
}

function fieldError(item: Record<string, unknown>): FieldError {
  const parts: unknown[] = Array.isArray(item.loc) ? item.loc : [];
  return {
    location: parts.filter(
      (part) => typeof part === "string" || typeof part === "number",
    ),
    message: typeof item.msg === "string" ? item.msg : "invalid",
  };
}

function alternativesIn(answer: Answer): Alternative[] {
  try {
    return Fields.of(answer.json()).children("alternatives").map(alternative);
  } catch {
    return []; // the conflict itself matters more than a broken offer
  }
}

function alternative(slot: Fields): Alternative {
  return {
    date: slot.text("date"),
    start: slot.text("start"),
    end: slot.text("end"),
    duration_minutes: slot.integer("duration_minutes"),
  };
}
