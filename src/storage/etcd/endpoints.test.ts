import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEndpoints } from "./endpoints.ts";

test("endpoints are addresses with or without TLS", () => {
  assert.deepEqual(parseEndpoints("https://a:2379,http://127.0.0.1:1,https://[::1]:443/"), [
    { address: "a:2379", tls: true }, { address: "127.0.0.1:1", tls: false }, { address: "[::1]:443", tls: true },
  ]);
  assert.deepEqual(parseEndpoints("http://etcd"), [{ address: "etcd:2379", tls: false }]);
  for (const wrong of ["", "a:2379", "ftp://a", "http://a/path", "http://"]) assert.throws(() => parseEndpoints(wrong), TypeError, wrong);
});
