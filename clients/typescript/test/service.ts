import assert from "node:assert/strict";

/** The running service to test against; its agent is open daily 09:00–17:00 UTC. */
export const service = {
  url: given("SERVICE_URL"),
  apiKey: given("SERVICE_API_KEY"),
  agentId: given("SERVICE_AGENT_ID"),
};

/** Name the date so many days from now in UTC. */
export function day(ahead: number): string {
  return new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
}

function given(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: these tests need a running service`);
  return value;
}
