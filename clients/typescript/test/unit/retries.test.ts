import assert from "node:assert/strict";
import { test } from "node:test";
import { Answer, Failure, type Outcome } from "../../src/answer.js";
import {
  checkedPolicy,
  LONGEST_TIMER,
  type RetryPolicy,
  retryDelay,
} from "../../src/retries.js";

const LOST = new Failure(new TypeError("fetch failed"));
const NOW = "Wed, 21 Oct 2026 07:28:00 GMT";
const LATER = "Wed, 21 Oct 2026 07:28:09 GMT";

interface Circumstances {
  tries?: number;
  elapsed?: number;
  chance?: number;
  policy?: Partial<RetryPolicy>;
}

function delay(outcome: Outcome, given: Circumstances = {}): number | undefined {
  const { tries = 1, elapsed = 0, chance = 1, policy = {} } = given;
  return retryDelay(outcome, { tries, elapsed, chance }, checkedPolicy(policy));
}

function answered(status: number, headers: Record<string, string> = {}): Answer {
  return new Answer(status, new Headers(headers), "");
}

function asking(retryAfter: string, date?: string): Answer {
  const headers = date === undefined ? {} : { date };
  return answered(503, { "retry-after": retryAfter, ...headers });
}

test("the policy is the Python client's", () => {
  assert.deepEqual(checkedPolicy(), {
    tries: 4,
    firstDelay: 0.5,
    longestDelay: 8,
    totalSeconds: 30,
  });
});

for (const status of [429, 500, 502, 503, 504]) {
  test(`${status} is tried again`, () => {
    assert.equal(delay(answered(status)), 0.5);
  });
}

for (const status of [200, 201, 301, 400, 401, 403, 404, 405, 409, 413, 422, 501]) {
  test(`${status} is not tried again`, () => {
    assert.equal(delay(answered(status, { "retry-after": "1" })), undefined);
  });
}

test("a lost connection is tried again", () => {
  assert.equal(delay(LOST), 0.5);
});

test("delays double up to the longest", () => {
  const policy = { tries: 10, totalSeconds: 99 };
  const delays = [1, 2, 3, 4, 5, 6, 7].map((tries) => delay(LOST, { tries, policy }));
  assert.deepEqual(delays, [0.5, 1, 2, 4, 8, 8, 8]);
});

test("delays stay finite however many tries are allowed", () => {
  const policy = { tries: 9999, firstDelay: 0 };
  assert.equal(delay(LOST, { tries: 5000, policy }), 0);
});

test("chance spreads the delays", () => {
  assert.equal(delay(LOST, { chance: 0 }), 0);
  assert.equal(delay(LOST, { chance: 0.5 }), 0.25);
});

test("tries end", () => {
  assert.equal(delay(LOST, { tries: 3 }), 2);
  assert.equal(delay(LOST, { tries: 4 }), undefined);
  assert.equal(delay(LOST, { policy: { tries: 1 } }), undefined);
});

test("no try begins after the total", () => {
  assert.equal(delay(LOST, { elapsed: 29.5 }), 0.5);
  assert.equal(delay(LOST, { elapsed: 29.6 }), undefined);
});

test("the service may ask for a longer wait", () => {
  assert.equal(delay(asking("7"), { chance: 0 }), 7);
  assert.equal(delay(asking("7"), { chance: 1 }), 7.5);
});

test("a wait beyond the policy is not cut short", () => {
  assert.equal(delay(asking("31")), undefined);
  assert.equal(delay(asking("9".repeat(400))), undefined);
});

test("a date in Retry-After counts from the date of the answer", () => {
  assert.equal(asking(LATER, NOW).retryAfter, 9);
  assert.equal(asking(NOW, LATER).retryAfter, 0);
  assert.equal(asking(LATER).retryAfter, undefined);
});

for (const text of ["", "soon", "-1", "1.5", "Wed, 99 Foo", "Wed, 99 Foo 2026"]) {
  test(`the Retry-After "${text}" says nothing`, () => {
    assert.equal(asking(text, NOW).retryAfter, undefined);
  });
}

for (const limits of [
  { tries: 0 },
  { tries: 1.5 },
  { tries: Number.NaN },
  { firstDelay: -1 },
  { longestDelay: Number.NaN },
  { totalSeconds: -1 },
  { totalSeconds: LONGEST_TIMER + 1 },
]) {
  test(`a policy with ${JSON.stringify(limits)} is refused`, () => {
    assert.throws(() => checkedPolicy(limits), RangeError);
  });
}

test("every wait is bounded", () => {
  for (let round = 0; round < 2000; round += 1) {
    const [tries, elapsed] = [1 + Math.floor(Math.random() * 50), Math.random() * 40];
    const longestDelay = Math.random() * 20;
    const policy = { tries: 99, longestDelay };
    const wait = delay(LOST, { tries, elapsed, chance: Math.random(), policy }) ?? 0;
    const bounded =
      wait >= 0 && wait <= longestDelay && (!wait || elapsed + wait <= 30);
    assert.ok(bounded, JSON.stringify({ tries, elapsed, longestDelay, wait }));
  }
});
