import assert from "node:assert/strict";
import { test } from "node:test";
import { addToIp, cidrContains, cidrsOverlap, formatCidr, formatIp, ipAt, ipFromBytes, ipToBytes, masked, parseCidr, parseCidrSloppy, parseIp, parseIpSloppy } from "./ip.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);

test("addresses in canonical form", () => {
  for (const [text, expected] of [
    ["10.0.0.1", "10.0.0.1"], ["255.255.255.255", "255.255.255.255"], ["::", "::"], ["::1", "::1"], ["1::", "1::"], ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"], ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"], ["::ffff:1.2.3.4", "::ffff:1.2.3.4"], ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ] as const) assert.equal(formatIp(ip(text)), expected, text);
});

test("what is no address", () => {
  for (const text of ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "010.0.0.1", "0x7f.1", "1.2.3.-4", ":", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "fe80::1%eth0", "::1.2.3", "1.2.3.4::", " 1.2.3.4"]) {
    assert.equal(parseIp(text), undefined, text);
  }
  assert.equal(formatIp(parseIpSloppy("010.0.0.01") ?? assert.fail()), "10.0.0.1");
});

test("blocks", () => {
  assert.equal(formatCidr(masked(cidr("10.1.2.3/16"))), "10.1.0.0/16");
  for (const text of ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "::/129", "10.0.0.0/+8"]) assert.equal(parseCidr(text), undefined, text);
  assert.equal(formatCidr(parseCidrSloppy("10.0.0.0/08") ?? assert.fail()), "10.0.0.0/8");
  assert.equal(cidrContains(cidr("10.0.0.0/8"), ip("10.255.0.1")), true);
  assert.equal(cidrContains(cidr("10.0.0.0/8"), ip("11.0.0.0")), false);
  assert.equal(cidrContains(cidr("::/0"), ip("11.0.0.0")), false);
  assert.equal(cidrsOverlap(cidr("10.0.0.0/8"), cidr("10.2.0.0/16")), true);
  assert.equal(cidrsOverlap(cidr("10.0.0.0/16"), cidr("10.2.0.0/16")), false);
  assert.equal(formatIp(ipAt(cidr("10.96.0.0/12"), 10) ?? assert.fail()), "10.96.0.10");
  assert.equal(ipAt(cidr("10.96.0.0/30"), 4), undefined);
  assert.equal(addToIp(ip("255.255.255.255"), 1), undefined);
  assert.deepEqual(ipFromBytes(ipToBytes(ip("2001:db8::5"))), ip("2001:db8::5"));
});
