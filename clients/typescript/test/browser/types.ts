// Compiled, never run: what a type checker promises to callers.
import {
  type Alternative,
  type Booking,
  BookingConflictError,
  type BookingRequest,
  CalendarClient,
  type CalendarClientOptions,
  type FieldError,
  type FreeSlots,
  type RetryPolicy,
  ValidationError,
} from "universal-calendar-client";

const client = new CalendarClient("https://host", "key");
const request: BookingRequest = {
  agent_id: "47addfec-f4cd-41e2-b6ec-6a5e949fe754",
  participant_name: "Ada",
  booking_date: "2027-03-01",
  booking_time: "09:00",
};

export const slots: Promise<FreeSlots> = client.getFreeSlots("id", "a", "b");
export const booking: Promise<Booking> = client.bookAppointment(
  { ...request, participant_email: null, duration_minutes: 45 },
  { idempotencyKey: "call-42" },
);

export function read(answer: Booking, list: FreeSlots): (string | undefined)[] {
  const status: "success" = answer.status;
  const reference: string | null = answer.details.external_reference_id;
  const verified: boolean | undefined = list.verified;
  const first: string | undefined = list.available_slots[0]?.slots[0]?.start;
  return [status, reference ?? undefined, String(verified), first];
}

export function explain(error: unknown): readonly (Alternative | FieldError)[] {
  if (error instanceof BookingConflictError) return error.alternatives;
  return error instanceof ValidationError ? error.errors : [];
}

export const retries: Partial<RetryPolicy> = { tries: 6 };
export const options: CalendarClientOptions = {
  fetch: window.fetch,
  retries,
  sleep: async () => undefined,
};

// @ts-expect-error the key is the client's, not the request's
client.bookAppointment({ ...request, api_key: "key" });
// @ts-expect-error a duration is a number
client.bookAppointment({ ...request, duration_minutes: "45" });
// @ts-expect-error a name is needed
client.bookAppointment({ agent_id: "id", booking_date: "d", booking_time: "t" });
// @ts-expect-error dates are text
client.getFreeSlots("id", new Date(), "b");
// @ts-expect-error the key cannot be read back
client.apiKey;
