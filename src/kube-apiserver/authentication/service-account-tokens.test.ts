import { strict as assert } from "node:assert";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";
import type { TokenRequest } from "../../api/generated/authentication-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { silentLog } from "../../stdx/log.ts";
import { seededRandom } from "../../stdx/random.ts";
import { clusterOf, userNamed } from "../authorization/fixture.ts";
import { bearerToken, clusterAuthenticator } from "./authenticator.ts";
import { openIdDocuments } from "./openid.ts";
import { selfSubjectReview, tokenReview } from "./reviews.ts";
import { ServiceAccountTokens } from "./service-account-tokens.ts";

const issuer = "https://kubernetes.default.svc.cluster.local";
const object = (kind: string, metadata: object, rest: object = {}): KubeObject => ({ apiVersion: "v1", kind, metadata, ...rest }) as KubeObject;
const pem = (type: "ec" | "rsa") => {
  const pair = type === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { privateKeyPem: pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), publicKeyPem: pair.publicKey.export({ type: "spki", format: "pem" }).toString() };
};
const keys = pem("ec");
const base64 = (value: string): string => Buffer.from(value).toString("base64");

function setUp(pair = keys) {
  const cluster = clusterOf(
    object("ServiceAccount", { namespace: "default", name: "robot", uid: "sa-1" }), object("Node", { name: "n1", uid: "node-1" }),
    object("Pod", { namespace: "default", name: "web", uid: "pod-1" }, { spec: { serviceAccountName: "robot", nodeName: "n1" } }),
    object("Pod", { namespace: "default", name: "other", uid: "pod-2" }, { spec: { serviceAccountName: "default" } }),
    object("Secret", { namespace: "kube-system", name: "bootstrap-token-abcdef" }, {
      type: "bootstrap.kubernetes.io/token", data: Object.fromEntries(Object.entries({
        "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true", "auth-extra-groups": "system:bootstrappers:keelson", expiration: "2026-06-01T00:00:00Z",
      }).map(([key, value]) => [key, base64(value)])),
    }),
  );
  let nowMs = Date.UTC(2026, 0, 1);
  const clock = { now: () => nowMs };
  const tokens = new ServiceAccountTokens({ cluster, clock, random: seededRandom(7), privateKeyPem: pair.privateKeyPem, publicKeysPem: [pair.publicKeyPem], issuer });
  const issue = async (spec: object = {}, metadata: object = {}): Promise<TokenRequest> =>
    await tokens.issue({ namespace: "default", serviceAccount: "robot", user: userNamed("x"), request: { ...object("TokenRequest", metadata, { spec }), apiVersion: "authentication.k8s.io/v1" } }) as TokenRequest;
  return { cluster, clock, tokens, issue, pass: (seconds: number) => (nowMs += seconds * 1_000) };
}
const toPod = { boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "web", uid: "pod-1" } };
const claimsOf = (token = ""): Record<string, unknown> => JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

test("a token bound to a pod says who, where and for whom", async () => {
  for (const pair of [keys, pem("rsa")]) {
    const { tokens, issue } = setUp(pair);
    const { status, spec, metadata } = await issue(toPod);
    assert.deepEqual([spec?.expirationSeconds, spec?.audiences, status?.expirationTimestamp, metadata.name, metadata.uid], [3600, [issuer], "2026-01-01T01:00:00Z", "robot", "sa-1"]);
    const { jti, ...claims } = claimsOf(status?.token);
    assert.deepEqual(claims, {
      aud: [issuer], exp: 1767229200, iat: 1767225600, nbf: 1767225600, iss: issuer, sub: "system:serviceaccount:default:robot",
      "kubernetes.io": { namespace: "default", node: { name: "n1", uid: "node-1" }, pod: { name: "web", uid: "pod-1" }, serviceaccount: { name: "robot", uid: "sa-1" } },
    });
    assert.deepEqual(tokens.verify(status?.token ?? ""), {
      audiences: [issuer],
      user: {
        name: "system:serviceaccount:default:robot", uid: "sa-1", groups: ["system:serviceaccounts", "system:serviceaccounts:default"],
        extra: {
          "authentication.kubernetes.io/credential-id": [`JTI=${String(jti)}`], "authentication.kubernetes.io/node-name": ["n1"], "authentication.kubernetes.io/node-uid": ["node-1"],
          "authentication.kubernetes.io/pod-name": ["web"], "authentication.kubernetes.io/pod-uid": ["pod-1"],
        },
      },
    });
  }
});

test("the token of every pod's volume lives a year and says when it should have been renewed", async () => {
  const { tokens, issue, pass } = setUp();
  const { status } = await issue({ ...toPod, expirationSeconds: 3607 });
  const claims = claimsOf(status?.token);
  assert.equal(Number(claims["exp"]) - Number(claims["iat"]), 365 * 86_400);
  assert.equal((claims["kubernetes.io"] as { warnafter: number }).warnafter, 1767225600 + 3607);
  assert.equal(status?.expirationTimestamp, "2026-01-01T01:00:07Z");
  pass(86_400);
  assert.ok(tokens.verify(status?.token ?? ""));
});

test("requests that make no sense are refused in upstream's words", async () => {
  const { issue } = setUp();
  const table: readonly (readonly [spec: object, metadata: object, message: string])[] = [
    [{ expirationSeconds: 60 }, {}, 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes'],
    [{ expirationSeconds: 2 ** 33 }, {}, 'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 8589934592: may not specify a duration larger than 2^32 seconds'],
    [{}, { name: "x" }, 'TokenRequest.authentication.k8s.io "robot" is invalid: metadata.name: Invalid value: "x": must match the service account name if specified'],
    [{ boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "gone" } }, {}, 'pods "gone" not found'],
    [{ boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "other" } }, {}, 'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.'],
    [{ boundObjectRef: { apiVersion: "v1", kind: "Pod", name: "web", uid: "old" } }, {},
      'Operation cannot be fulfilled on Pod "web": the UID in the bound object reference (old) does not match the UID in record. The object might have been deleted and then recreated'],
    [{ boundObjectRef: { apiVersion: "v1", kind: "ConfigMap", name: "x" } }, {}, "cannot bind token to object of type /v1, Kind=ConfigMap"],
  ];
  for (const [spec, metadata, message] of table) await assert.rejects(issue(spec, metadata), { message });
});

test("expired, early, forged, foreign and orphaned tokens do not count", async () => {
  const { tokens, issue, pass, cluster } = setUp();
  const token = (await issue(toPod)).status?.token ?? "";
  const [head = "", body = "", signature = ""] = token.split(".");
  const forged = { ...claimsOf(token), sub: "system:serviceaccount:kube-system:root" };
  assert.throws(() => tokens.verify(`${head}.${Buffer.from(JSON.stringify(forged)).toString("base64url")}.${signature}`), /invalid signature/);
  assert.throws(() => tokens.verify(`${Buffer.from('{"alg":"none"}').toString("base64url")}.${body}.`), /invalid signature/);
  assert.throws(() => tokens.verify((token.slice(0, -6)) + "AAAAAA"), /invalid signature/);
  assert.throws(() => setUp(pem("ec")).tokens.verify(token), /invalid signature/);
  assert.throws(() => tokens.verify(token, ["vault"]), /token audiences .* is invalid for the target audiences \["vault"\]/);
  for (const text of ["", "a.b.c", "x", token.replace(body, "e30"), `${head}.${base64('{"iss":"other"}')}.x`]) assert.equal(tokens.verify(text), undefined, text);

  pass(-120);
  assert.throws(() => tokens.verify(token), /is not valid yet/);
  pass(120 + 3_600 + 61);
  assert.throws(() => tokens.verify(token), /has expired/);
  pass(-3_000);
  cluster.put(object("Pod", { namespace: "default", name: "web", uid: "pod-9" }));
  assert.throws(() => tokens.verify(token), /pod UID \(pod-9\) does not match service account pod ref claim \(pod-1\)/);
  cluster.put(object("ServiceAccount", { namespace: "default", name: "robot", uid: "sa-2" }));
  assert.throws(() => tokens.verify(token), /service account UID \(sa-2\) does not match claim \(sa-1\)/);
});

test("others can check a token with the documents that are published", async () => {
  const { tokens, issue } = setUp();
  const token = (await issue()).status?.token ?? "";
  const [configuration, jwks] = openIdDocuments(tokens, { jwksUri: "https://10.0.0.1:6443/openid/v1/jwks" });
  assert.deepEqual(configuration?.body, {
    issuer, jwks_uri: "https://10.0.0.1:6443/openid/v1/jwks", response_types_supported: ["id_token"], subject_types_supported: ["public"], id_token_signing_alg_values_supported: ["ES256"],
  });
  const [jwk] = (jwks!.body as { keys: Record<string, string>[] }).keys;
  const dot = token.lastIndexOf(".");
  assert.ok(verify("sha256", Buffer.from(token.slice(0, dot)), { key: createPublicKey({ key: jwk!, format: "jwk" }), dsaEncoding: "ieee-p1363" }, Buffer.from(token.slice(dot + 1), "base64url")));
  assert.equal(JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid, jwk?.["kid"]);
});

test("bearer tokens become users, or 401", async () => {
  const { tokens, issue, cluster, clock } = setUp();
  const authenticator = clusterAuthenticator({ cluster, clock, log: silentLog, clientCaPem: "", requestHeaderCaPem: "", requestHeaderAllowedNames: [], tokens });
  const as = async (authorization: string) => await authenticator.authenticate({ headers: { authorization } });
  const token = (await issue()).status?.token ?? "";
  assert.deepEqual((await as(`Bearer ${token}`))?.groups, ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]);
  assert.deepEqual(await as("Bearer abcdef.0123456789abcdef"), { name: "system:bootstrap:abcdef", groups: ["system:bootstrappers", "system:bootstrappers:keelson", "system:authenticated"] });
  for (const bad of ["abcdef.0123456789abcdeX", "abcdef.0123456789abcdee", "nonsense", `${token}x`]) await assert.rejects(as(`Bearer ${bad}`), { reason: "Unauthorized", code: 401 });
  assert.equal(await authenticator.authenticate({ headers: { "x-remote-user": "root", "x-remote-group": "system:masters" } }), undefined);
  assert.equal(await as("Basic abc"), undefined);
  assert.equal(bearerToken({ "sec-websocket-protocol": `v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.${Buffer.from("tok").toString("base64url")}` }), "tok");
});

test("TokenReview and SelfSubjectReview", async () => {
  const { tokens, issue, clock } = setUp();
  const token = (await issue()).status?.token ?? "";
  const review = tokenReview(tokens, () => undefined);
  const ask = async (spec: object) => (await review.create({ object: object("TokenReview", {}, { spec }), user: userNamed("x"), namespace: "", dryRun: false }) as unknown as { status: Record<string, unknown> }).status;
  const good = await ask({ token });
  assert.deepEqual([good["authenticated"], good["audiences"], (good["user"] as { username: string }).username], [true, [issuer], "system:serviceaccount:default:robot"]);
  assert.match(String((await ask({ token, audiences: ["vault"] }))["error"]), /invalid for the target audiences/);
  assert.deepEqual(await ask({ token: "x" }), { error: "invalid bearer token", user: {} });
  await assert.rejects(ask({}), { message: "token is required for TokenReview in authentication" });
  assert.deepEqual((await selfSubjectReview(clock).create({ object: object("SelfSubjectReview", {}), user: userNamed("jane", "devs"), namespace: "", dryRun: false }) as unknown as { status: unknown }).status, { userInfo: { username: "jane", groups: ["devs"] } });
});
