/** ServiceCIDRs and IPAddresses as stock kubectl shows them, with the controllers that look after them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { noKubectl, startControlPlane, type ControlPlane } from "./control-plane.ts";

const skip = noKubectl ?? false;
let plane: ControlPlane;
before(async () => {
  if (noKubectl === undefined) plane = await startControlPlane({ nodeNames: [] });
});
after(async () => {
  if (noKubectl !== undefined) return;
  const { complaints } = plane.started;
  await plane[Symbol.asyncDispose]();
  assert.deepEqual(complaints, []);
});

async function kubectl(args: string, input?: string): Promise<string> {
  const { code, out, err } = await plane.kubectl(args.split(" "), input === undefined ? {} : { input });
  assert.equal(code, 0, `kubectl ${args}\n${out}${err}`);
  return out.trim();
}
const manifest = (kind: string, apiVersion: string, name: string, spec: object): string => JSON.stringify({ kind, apiVersion, metadata: { name }, spec });

test("ranges are added, used, and kept while they are needed", { skip }, async () => {
  assert.match(await kubectl("get servicecidr"), /^NAME +CIDRS +AGE\nkubernetes +10\.96\.0\.0\/16 +/);
  await kubectl("wait servicecidr/kubernetes --for=jsonpath={.metadata.finalizers[0]}=networking.k8s.io/service-cidr-finalizer --timeout=20s");
  await kubectl("wait servicecidr/kubernetes --for=condition=Ready --timeout=20s");
  assert.match(await kubectl("get ipaddress 10.96.0.1"), /^NAME +PARENTREF\n10\.96\.0\.1 +services\/default\/kubernetes$/);

  assert.equal(await kubectl("apply -f -", manifest("ServiceCIDR", "networking.k8s.io/v1", "more", { cidrs: ["10.97.0.0/24"] })), "servicecidr.networking.k8s.io/more created");
  await kubectl("wait servicecidr/more --for=condition=Ready --timeout=20s");
  await kubectl("apply -f -", manifest("Service", "v1", "there", { clusterIP: "10.97.0.7", ports: [{ port: 80 }] }));
  assert.equal(await kubectl("get ipaddress 10.97.0.7 -o jsonpath={.spec.parentRef}"), '{"name":"there","namespace":"default","resource":"services"}');

  await kubectl("delete servicecidr more --wait=false");
  await kubectl("wait servicecidr/more --for=condition=Ready=False --timeout=20s");
  assert.equal(await kubectl("get servicecidr more -o jsonpath={.status.conditions[0].reason}:{.status.conditions[0].message}"),
    "Terminating:There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR");
  const refused = await plane.kubectl(["apply", "-f", "-"], { input: manifest("Service", "v1", "late", { clusterIP: "10.97.0.8", ports: [{ port: 80 }] }) });
  assert.match(refused.err, /spec\.clusterIPs: Invalid value: \["10\.97\.0\.8"\]: failed to allocate IP 10\.97\.0\.8: the provided network does not match the current range/);

  await kubectl("delete service there");
  assert.equal(await kubectl("get ipaddress 10.97.0.7 --ignore-not-found"), "");
  await kubectl("wait servicecidr/more --for=delete --timeout=25s");
});
