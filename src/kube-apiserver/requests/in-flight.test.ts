import assert from "node:assert/strict";
import { test } from "node:test";
import { InFlight, lasts } from "./in-flight.ts";
import { requestInfo } from "./request-info.ts";

const info = (method: string, url: string) => requestInfo(method, url.split("?")[0] ?? "", new URLSearchParams(url.split("?")[1] ?? ""));
const user = { name: "bob", groups: ["system:authenticated"] };
const pods = "/api/v1/namespaces/default/pods";

test("reads and changes are counted apart, and given back however they end", async () => {
  const inFlight = new InFlight({ readsMax: 2, changesMax: 1 });
  const ends: (() => void)[] = [];
  const work = () => new Promise<void>((resolve) => ends.push(resolve));
  const running = [inFlight.admit(info("GET", pods), user, work), inFlight.admit(info("GET", "/version"), user, work), inFlight.admit(info("POST", pods), user, work)];
  // As upstream's: what is no read of a resource, such as a GET of /version, has the verb of its method, which is a read too.
  assert.deepEqual(inFlight.now, { reads: 2, changes: 1 });
  const refused = { code: 429, reason: "TooManyRequests", message: "Too many requests, please try again later.", details: { retryAfterSeconds: 1 } };
  await assert.rejects(async () => await inFlight.admit(info("GET", pods), user, work), refused);
  await assert.rejects(async () => await inFlight.admit(info("DELETE", `${pods}/a`), user, work), refused);
  await inFlight.admit(info("GET", `${pods}?watch=1`), user, async () => undefined);
  await inFlight.admit(info("GET", pods), { name: "admin", groups: ["system:masters"] }, async () => undefined);
  for (const end of ends) end();
  for (const each of running) await each;
  assert.deepEqual(inFlight.now, { reads: 0, changes: 0 });
  await assert.rejects(async () => await inFlight.admit(info("POST", pods), user, () => Promise.reject(new Error("bad"))), /bad/);
  assert.deepEqual(inFlight.now, { reads: 0, changes: 0 });
});

test("what needs no promise makes none, and is given back as well", () => {
  const inFlight = new InFlight({ readsMax: 1, changesMax: 1 });
  assert.equal(inFlight.admit(info("GET", pods), user, () => inFlight.now.reads), 1);
  assert.throws(() => inFlight.admit(info("POST", pods), user, () => { throw new Error("bad"); }), /bad/);
  assert.deepEqual(inFlight.now, { reads: 0, changes: 0 });
});

test("what lasts", () => {
  const urls = [`${pods}?watch=true`, `${pods}/a?watch=1`, `${pods}/a/log`, `${pods}/a/exec`, `${pods}/a/proxy/x`, `${pods}/a`, pods, `${pods}?watch=false`, "/readyz"];
  assert.deepEqual(urls.map((url) => lasts(info("GET", url))), [true, false, true, true, true, false, false, false, false]);
});
