import { Answer, type Outcome } from "./answer.js";
import { isTemporary } from "./errors.js";

/**
 * Bound the tries of one call; every delay is in seconds.
 *
 * No try begins later than `totalSeconds` after the call began, so a call lasts at most
 * that long plus the timeout of its last try. `{ tries: 1 }` never tries again.
 */
export interface RetryPolicy {
  readonly tries: number;
  readonly firstDelay: number;
  readonly longestDelay: number;
  readonly totalSeconds: number;
}

/**
 * What a call has cost so far: tries made, seconds elapsed, and a chance in 0..1.
 *
 * The chance spreads clients that failed together (full jitter).
 */
export interface Effort {
  readonly tries: number;
  readonly elapsed: number;
  readonly chance: number;
}

/** The longest wait that the platform's timers can keep, in seconds. */
export const LONGEST_TIMER = 2_147_483;

const DEFAULT_POLICY: RetryPolicy = {
  tries: 4,
  firstDelay: 0.5,
  longestDelay: 8,
  totalSeconds: 30,
};

const HIGHEST_EXPONENT = 30; // keeps the power finite however many tries are allowed

/** Fill a policy with the defaults; refuse what could not bound anything. */
export function checkedPolicy(chosen: Partial<RetryPolicy> = {}): RetryPolicy {
  const policy = { ...DEFAULT_POLICY, ...chosen };
  if (!Number.isInteger(policy.tries) || policy.tries < 1) {
    throw new RangeError("tries must be a whole number of at least 1");
  }
  for (const name of ["firstDelay", "longestDelay", "totalSeconds"] as const) {
    checkedSeconds(name, policy[name]);
  }
  return policy;
}

/** Return seconds that a timer can keep; refuse others. */
export function checkedSeconds(name: string, seconds: number): number {
  if (seconds >= 0 && seconds <= LONGEST_TIMER) return seconds;
  throw new RangeError(`${name} must lie between 0 and ${LONGEST_TIMER} seconds`);
}

/**
 * Return the seconds to wait before another try, undefined to stop here.
 *
 * What the service asks for in Retry-After is waited in full or, when it exceeds the
 * policy, not at all.
 */
export function retryDelay(
  outcome: Outcome,
  effort: Effort,
  policy: RetryPolicy,
): number | undefined {
  const [temporary, asked] =
    outcome instanceof Answer
      ? [isTemporary(outcome.status), outcome.retryAfter ?? 0]
      : [true, 0];
  if (effort.tries >= policy.tries || !temporary) return undefined;
  const doublings = Math.min(effort.tries - 1, HIGHEST_EXPONENT);
  const backoff = Math.min(policy.longestDelay, policy.firstDelay * 2 ** doublings);
  const delay = asked + effort.chance * backoff;
  return effort.elapsed + delay <= policy.totalSeconds ? delay : undefined;
}
