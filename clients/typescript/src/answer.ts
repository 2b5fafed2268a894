/** One HTTP answer, free of the fetch that brought it. */
export class Answer {
  readonly status: number;
  readonly #headers: Headers;
  readonly #body: string;

  constructor(status: number, headers: Headers, body: string) {
    this.status = status;
    this.#headers = headers;
    this.#body = body;
  }

  get successful(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** Decode the body; throw when it is not JSON. */
  json(): unknown {
    return JSON.parse(this.#body);
  }

  /** Return a member of the JSON object in the body, undefined when there is none. */
  member(name: string): unknown {
    try {
      const body = this.json();
      return isObject(body) ? body[name] : undefined;
    } catch {
      return undefined;
    }
  }

  /** The id under which the service logged the request. */
  get requestId(): string | undefined {
    return this.#headers.get("x-request-id") ?? undefined;
  }

  /**
   * The seconds that Retry-After asks for, undefined when it says nothing.
   *
   * A date is compared with the answer's own Date: no clock of ours is asked.
   */
  get retryAfter(): number | undefined {
    const asked = this.#headers.get("retry-after") ?? "";
    if (/^[0-9]+$/.test(asked)) return Number(asked);
    return secondsBetween(this.#headers.get("date") ?? "", asked);
  }
}

/** Say that no answer arrived; every try may fare better. */
export class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

export type Outcome = Answer | Failure;

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// RFC 9110 §5.6.7. Date.parse alone takes "-1" and "1.5" for dates.
const HTTP_DATE =
  /^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$/;

function secondsBetween(earlier: string, later: string): number | undefined {
  if (!HTTP_DATE.test(earlier) || !HTTP_DATE.test(later)) return undefined;
  const seconds = (Date.parse(later) - Date.parse(earlier)) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
