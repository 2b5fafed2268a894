/** Client of the Universal Calendar agent API: query free slots and book them. */

export {
  type BookingOptions,
  CalendarClient,
  type CalendarClientOptions,
  type Fetch,
} from "./client.js";
export {
  AuthenticationError,
  BookingConflictError,
  CalendarAPIError,
  type CallFacts,
  type FieldError,
  RateLimitedError,
  ServiceUnavailableError,
  ValidationError,
} from "./errors.js";
export type {
  Alternative,
  Booking,
  BookingDetails,
  BookingRequest,
  DaySlots,
  FreeSlots,
  Slot,
} from "./results.js";
export type { RetryPolicy } from "./retries.js";
