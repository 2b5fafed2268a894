import type { components, operations } from "./generated/openapi.js";

type Schemas = components["schemas"];
type BookingBody =
  operations["book_appointment"]["requestBody"]["content"]["application/json"];

/** What the service adds when it could not ask every calendar. */
export interface Remarks {
  warnings?: string[];
  verified?: boolean;
}

/** One bookable interval; `HH:MM` in the time zone of the list it stands in. */
export type Slot = Schemas["Slot"];

/** The slots that start on one local date. */
export type DaySlots = Schemas["DaySlots"];

/** Every free slot between two local dates, both included. */
export type FreeSlots = Schemas["FreeSlots"] & Remarks;

/** What was booked, as the service stored it. */
export type BookingDetails = Schemas["BookingDetails"];

/** A confirmed booking. */
export type Booking = Schemas["Booking"] & Remarks;

/** A slot near the one that was refused, in the agent's time zone. */
export type Alternative = Schemas["Alternative"];

/** Whom to book and when, in the agent's local time; the client adds the API key. */
export type BookingRequest = Omit<BookingBody, "api_key">;
