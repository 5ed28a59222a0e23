import assert from "node:assert/strict";
import { test } from "node:test";
import { servingOptions } from "./serving-flags.ts";

test("flags by upstream's names say how much is served at once and how long", () => {
  assert.deepEqual(servingOptions({}), { inFlight: {}, limits: {} });
  assert.deepEqual(
    servingOptions({ "max-requests-inflight": "800", "max-mutating-requests-inflight": "0", "request-timeout": "1m30s", "http2-max-streams-per-connection": "50" }),
    { inFlight: { readsMax: 800, changesMax: 0 }, limits: { requestMs: 90_000, streamsMax: 50 } },
  );
  assert.throws(() => servingOptions({ "max-requests-inflight": "-1" }), /--max-requests-inflight -1: a number is wanted/);
  assert.deepEqual(servingOptions({ "service-node-port-range": "31000-31999" }).nodePortRange, { first: 31_000, last: 31_999 });
  for (const bad of ["31000", "0-5", "31999-31000", "1-70000"]) assert.throws(() => servingOptions({ "service-node-port-range": bad }), /a range of ports is wanted/);
  assert.throws(() => servingOptions({ "request-timeout": "0s" }), /--request-timeout can not be negative value/);
  assert.throws(() => servingOptions({ "request-timeout": "soon" }), /invalid duration "soon"/);
});
