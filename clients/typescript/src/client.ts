import { Answer, Failure, type Outcome } from "./answer.js";
import {
  bookingCall,
  type Call,
  checkedBaseURL,
  DEFAULT_DURATION_MINUTES,
  freeSlotsCall,
  type HTTPRequest,
  headerText,
  resultOf,
} from "./requests.js";
import type { Booking, BookingRequest, FreeSlots } from "./results.js";
import {
  checkedPolicy,
  checkedSeconds,
  type RetryPolicy,
  retryDelay,
} from "./retries.js";

const DEFAULT_TIMEOUT_SECONDS = 10;

/** The part of the platform's fetch that the client uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface CalendarClientOptions {
  /** Stands in for the platform's fetch, in tests or behind a proxy. */
  readonly fetch?: Fetch | undefined;
  /** Bounds one try, from connecting to the last byte; 10 unless told. */
  readonly timeoutSeconds?: number | undefined;
  /** When to try again; fields left out keep their defaults. */
  readonly retries?: Partial<RetryPolicy> | undefined;
  /** Waits a number of seconds between two tries. */
  readonly sleep?: ((seconds: number) => Promise<void>) | undefined;
}

export interface BookingOptions {
  /** Calls with the same key book once; without it each call gets its own. */
  readonly idempotencyKey?: string | undefined;
}

/** Query free slots and book them. */
export class CalendarClient {
  readonly baseURL: string;
  readonly #headers: Readonly<Record<string, string>>; // private: they hold the key
  readonly #fetch: Fetch;
  readonly #timeoutSeconds: number;
  readonly #retries: RetryPolicy;
  readonly #sleep: (seconds: number) => Promise<void>;

  constructor(baseURL: string, apiKey: string, options: CalendarClientOptions = {}) {
    this.baseURL = checkedBaseURL(baseURL);
    this.#headers = {
      "X-API-Key": headerText("apiKey", apiKey),
      Accept: "application/json",
    };
    this.#fetch = options.fetch ?? globalThis.fetch;
    this.#timeoutSeconds = checkedSeconds(
      "timeoutSeconds",
      options.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
    );
    this.#retries = checkedPolicy(options.retries);
    this.#sleep = options.sleep ?? sleepSeconds;
  }

  /** List the free slots between two dates of the agent, both included. */
  async getFreeSlots(
    agentId: string,
    startDate: string,
    endDate: string,
    durationMinutes: number = DEFAULT_DURATION_MINUTES,
  ): Promise<FreeSlots> {
    const query = { agentId, startDate, endDate, durationMinutes };
    return this.#send(freeSlotsCall(this.baseURL, query));
  }

  /**
   * Book a time on the agent's calendar; throw BookingConflictError if taken.
   *
   * All tries of one call share its idempotency key.
   */
  async bookAppointment(
    request: BookingRequest,
    options: BookingOptions = {},
  ): Promise<Booking> {
    const key = options.idempotencyKey ?? newIdempotencyKey();
    return this.#send(bookingCall(this.baseURL, request, key));
  }

  async #send<Result>(call: Call<Result>): Promise<Result> {
    const started = performance.now();
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#try(call.request);
      const elapsed = (performance.now() - started) / 1000;
      const effort = { tries, elapsed, chance: Math.random() };
      const delay = retryDelay(outcome, effort, this.#retries);
      if (delay === undefined) return resultOf(call, outcome);
      await this.#sleep(delay);
    }
  }

  async #try(request: HTTPRequest): Promise<Outcome> {
    const send = this.#fetch; // browsers refuse fetch as a method of something else
    try {
      const response = await send(request.url, {
        method: request.method,
        headers: { ...this.#headers, ...request.headers },
        body: request.body ?? null,
        redirect: "manual", // the key goes to the given address only
        signal: AbortSignal.timeout(Math.ceil(this.#timeoutSeconds * 1000)),
      });
      return new Answer(response.status, response.headers, await response.text());
    } catch (error) {
      return new Failure(error);
    }
  }
}

function sleepSeconds(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** Make the key that all tries of one booking share. */
function newIdempotencyKey(): string {
  // crypto.randomUUID is absent from pages without TLS
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
