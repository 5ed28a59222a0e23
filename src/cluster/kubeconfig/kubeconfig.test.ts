import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { systemClock } from "../../stdx/clock.ts";
import { kubeconfigText, type ClusterAccess } from "./kubeconfig.ts";
import { UnreadableKubeconfigError, withCluster, withoutCluster } from "./merge.ts";
import { addToUserKubeconfig, removeFromUserKubeconfig, userKubeconfigPath } from "./user-kubeconfig.ts";

const access: ClusterAccess = { name: "keelson-dev", server: "https://127.0.0.1:6443", certificateAuthorityPem: "ca", clientCertificatePem: "crt", clientKeyPem: "key" };
const theirs = `# my clusters
apiVersion: v1
kind: Config
clusters:
  - name: work # the one that matters
    cluster:
      server: https://work.example:6443
      x-unknown: &a [1, 2]
contexts:
  - context: {cluster: work, user: me, namespace: team}
    name: work
current-context: work
users:
  - name: me
    user:
      exec: {apiVersion: client.authentication.k8s.io/v1, command: login, interactiveMode: Never}
x-theirs: kept
`;

test("a cluster is added without touching what is there, and taken out again", () => {
  const merged = withCluster(theirs, access);
  assert.match(merged, /# my clusters/);
  assert.match(merged, /name: work # the one that matters/);
  const value = parse(merged);
  assert.deepEqual(value.clusters.map(({ name }: { name: string }) => name), ["work", "keelson-dev"]);
  assert.equal(value["current-context"], "keelson-dev");
  assert.equal(value["x-theirs"], "kept");
  assert.deepEqual(value.clusters[0], parse(theirs).clusters[0]);
  assert.equal(value.users[1].user["client-key-data"], Buffer.from("key").toString("base64"));

  assert.equal(withCluster(merged, access), merged, "adding it twice changes nothing");
  const moved = withCluster(merged.replace("user: keelson-dev", "user: keelson-dev\n      namespace: mine"), { ...access, server: "https://127.0.0.1:7443" });
  assert.equal(parse(moved).contexts[1].context.namespace, "mine");
  assert.equal(parse(moved).clusters[1].cluster.server, "https://127.0.0.1:7443");

  const removed = withoutCluster(merged, "keelson-dev");
  assert.deepEqual(parse(removed), { ...parse(theirs), "current-context": "" });
  assert.equal(withoutCluster(theirs, "keelson-dev"), theirs);
});

test("empty files and empty sections", () => {
  for (const text of ["", "\n", "# nothing\n", "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: null\nusers: []\n", "kind: Config\n"]) {
    const value = parse(withCluster(text, access));
    assert.deepEqual([value.clusters.length, value.contexts.length, value.users.length, value["current-context"], value.kind], [1, 1, 1, "keelson-dev", "Config"], text);
  }
  const emptied = parse(withoutCluster(kubeconfigText(access), "keelson-dev"));
  assert.deepEqual([emptied.clusters, emptied.contexts, emptied.users, emptied["current-context"]], [[], [], [], ""]);
});

test("what does not read as a kubeconfig is refused", () => {
  for (const text of ["a: [", "- list", "kind: Pod\n", "clusters: {}\n", "a: 1\n---\nb: 2\n", "a: 1\na: 2\n"]) {
    assert.throws(() => withCluster(text, access), UnreadableKubeconfigError, text);
    assert.throws(() => withoutCluster(text, "keelson-dev"), UnreadableKubeconfigError, text);
  }
});

test("files: created 0600, links followed, nothing left beside them, damaged ones untouched", async () => {
  const folder = mkdtempSync(join(tmpdir(), "access-kubeconfig-"));
  try {
    const options = { path: join(folder, "deep", "config"), clock: systemClock, signal: AbortSignal.timeout(20_000) };
    await Promise.all(["a", "b", "c"].map((name) => addToUserKubeconfig({ ...access, name }, options)));
    assert.deepEqual(parse(readFileSync(options.path, "utf8")).clusters.map(({ name }: { name: string }) => name).toSorted(), ["a", "b", "c"]);
    assert.equal(statSync(options.path).mode & 0o777, 0o600);

    const link = join(folder, "link");
    symlinkSync(options.path, link);
    await removeFromUserKubeconfig("a", { ...options, path: link });
    assert.equal(parse(readFileSync(options.path, "utf8")).clusters.length, 2);
    assert.deepEqual(readdirSync(join(folder, "deep")), ["config"]);

    writeFileSync(options.path, "a: [");
    await assert.rejects(addToUserKubeconfig(access, options), /was left as it is/);
    assert.equal(readFileSync(options.path, "utf8"), "a: [");
    await removeFromUserKubeconfig("a", { ...options, path: join(folder, "absent") });
    assert.ok(!existsSync(join(folder, "absent")));

    assert.equal(await userKubeconfigPath({ KUBECONFIG: `${join(folder, "none")}:${link}`, HOME: folder }), link);
    assert.equal(await userKubeconfigPath({ KUBECONFIG: `${join(folder, "none")}:${join(folder, "last")}` }), join(folder, "last"));
    assert.equal(await userKubeconfigPath({ HOME: folder }), join(folder, ".kube", "config"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
