import assert from "node:assert/strict";
import { test } from "node:test";
import { rootCertificates } from "node:tls";
import { X509Certificate } from "node:crypto";
import { trustData } from "./authentication-trust.ts";

const [one = "", two = "", three = ""] = rootCertificates.slice(0, 3).map((pem) => new X509Certificate(pem).toString());
const own = { clientCaPem: one, requestHeaderCaPem: two, requestHeaderAllowedNames: ["front-proxy-client"] };

test("a new cluster trusts what its first server trusts, in upstream's words", () => {
  assert.deepEqual(trustData({}, own), {
    "client-ca-file": one, "requestheader-allowed-names": '["front-proxy-client"]', "requestheader-client-ca-file": two, "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
    "requestheader-group-headers": '["X-Remote-Group"]', "requestheader-username-headers": '["X-Remote-User"]',
  });
});

test("what another server trusts stays; the same is there once, however it is written", () => {
  const theirs = { "client-ca-file": `# of somebody else\n${three}\n\n${one.replaceAll("\n", "\r\n")}`, "requestheader-allowed-names": '["aggregator"]', "requestheader-uid-headers": '["X-Remote-Uid"]', "requestheader-group-headers": "{", "unknown": "x" };
  const both = trustData(theirs, own);
  assert.equal(both["client-ca-file"], three + one);
  assert.equal(both["requestheader-allowed-names"], '["aggregator","front-proxy-client"]');
  assert.deepEqual([both["requestheader-uid-headers"], both["requestheader-group-headers"], both["unknown"]], ['["X-Remote-Uid"]', '["X-Remote-Group"]', undefined]);
  assert.deepEqual(trustData(both, own), both);
});

test("expired certificates go, five minutes late", () => {
  const endMs = new X509Certificate(three).validToDate.getTime();
  const kept = (nowMs: number): boolean => trustData({ "client-ca-file": three }, own, nowMs)["client-ca-file"]?.includes(three) === true;
  assert.deepEqual([kept(endMs + 4 * 60_000), kept(endMs + 6 * 60_000)], [true, false]);
});
