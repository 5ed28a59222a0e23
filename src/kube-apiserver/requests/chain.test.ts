import assert from "node:assert/strict";
import { test } from "node:test";
import type { Attributes, Decision, UserInfo } from "../access.ts";
import type { Api } from "../api.ts";
import { chain } from "./chain.ts";
import { InFlight } from "./in-flight.ts";
import type { Incoming } from "./request.ts";
import type { Soon } from "../../stdx/soon.ts";

const jane: UserInfo = { name: "jane", groups: ["system:authenticated"] };
const denied: Decision = { decision: "noOpinion", reason: "" };

interface Links {
  readonly authenticate?: () => Soon<UserInfo | undefined>;
  readonly authorize?: (attributes: Attributes) => Soon<Decision>;
}

/** What the chain asks of a server, and nothing else. */
const apiOf = ({ authenticate = () => jane, authorize = () => ({ decision: "allow", reason: "" }) }: Links, inFlight = new InFlight()): Api =>
  ({ clock: { now: () => 7 }, inFlight, authenticator: { authenticate }, authorizer: { authorize } }) as unknown as Api;

const asked = (path: string, headers: Incoming["headers"] = {}): Incoming => ({
  method: "GET", path, query: new URLSearchParams(), headers, peerCertificate: undefined, identity: undefined, info: undefined, user: undefined, authenticatedMs: 0, authorizedMs: 0, receivedMs: 0,
  payload: { is: "object", contentType: "", object: undefined }, signal: () => new AbortController().signal, warnings: [],
});
const pod = "/api/v1/namespaces/default/pods/web";

test("a request for which nothing has to be waited is answered within the call", () => {
  const inFlight = new InFlight();
  const answer = chain(apiOf({}, inFlight), asked(pod), ({ user, info, authenticatedMs, authorizedMs }) => `${user.name} ${info.verb} ${info.name} ${authenticatedMs} ${authorizedMs} ${inFlight.now.reads}`);
  assert.equal(answer, "jane get web 7 7 1");
  assert.equal(inFlight.now.reads, 0);
});

test("each link may wait", async () => {
  const soon: Links = { authenticate: () => Promise.resolve(jane), authorize: () => Promise.resolve({ decision: "allow", reason: "" }) };
  for (const links of [soon, { authenticate: soon.authenticate }, { authorize: soon.authorize }] as readonly Links[]) {
    const inFlight = new InFlight();
    const answer = chain(apiOf(links, inFlight), asked(pod), ({ user }) => user.name);
    assert.ok(answer instanceof Promise);
    assert.equal(await answer, "jane");
    assert.equal(inFlight.now.reads, 0);
  }
});

test("nobody gets around a link", async () => {
  let handled = 0;
  const ask = async (links: Links, request = asked(pod)) => await chain(apiOf(links), request, () => void handled++);
  await assert.rejects(ask({ authenticate: () => undefined }), { code: 401 });
  await assert.rejects(ask({ authenticate: () => Promise.resolve(undefined) }), { code: 401 });
  await assert.rejects(ask({ authorize: () => denied }), { code: 403, message: 'pods "web" is forbidden: User "jane" cannot get resource "pods" in API group "" in the namespace "default"' });
  await assert.rejects(ask({ authorize: () => Promise.resolve(denied) }), { code: 403 });
  await assert.rejects(ask({ authorize: ({ user }) => (user.name === "jane" ? denied : { decision: "allow", reason: "" }) }, asked(pod, { "impersonate-user": "root" })), { code: 403 });
  assert.equal(handled, 0);
});

test("who may act as somebody else goes on as them", async () => {
  const users: string[] = [];
  const api = apiOf({ authorize: ({ user, verb }) => {
    users.push(`${user.name} ${verb}`);
    return { decision: "allow", reason: "" };
  } });
  assert.equal(await chain(api, asked(pod, { "impersonate-user": "bob" }), ({ user }) => user.name), "bob");
  assert.equal(users.at(-1), "bob get");
});

test("anybody may ask whether the server is well", () => {
  assert.equal(chain(apiOf({ authenticate: () => undefined }), asked("/readyz"), ({ user }) => user.name), "system:anonymous");
});
