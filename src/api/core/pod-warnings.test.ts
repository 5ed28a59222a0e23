import { testWarnings, type Loose } from "../validation-table.ts";
import { podResource } from "./pod.ts";

const pod = (more: Loose, annotations: Loose = {}): Loose => ({ metadata: { annotations }, spec: { containers: [{ name: "c", image: "nginx" }], ...more } });
const volume = (source: Loose): Loose => pod({ volumes: [{ name: "v", ...source }] });
const items = (...paths: readonly string[]): Loose => ({ items: paths.map((path, index) => ({ key: `k${index}`, path })) });

testWarnings(podResource, [
  ["nothing to say", pod({}), []],
  ["a file inside of a file", volume({ configMap: { name: "m", ...items("a", "b", "a/c") } }), ['volume "v" (ConfigMap "m"): overlapping paths: "a/c" with "a"']],
  ["a file twice", volume({ secret: { secretName: "s", ...items("a", "a/") } }), ['volume "v" (Secret "s"): overlapping paths: "a" with "a"']],
  ["names that only begin alike", volume({ configMap: { name: "m", ...items("a", "ab") } }), []],
  ["files of several sources", volume({ projected: { sources: [{ configMap: { name: "m", ...items("token") } }, { serviceAccountToken: { path: "token" } }, {}] } }), [
    'volume "v" (Projected) has no sources provided', 'volume "v" (Projected): overlapping paths: "token" (ServiceAccountToken) with "token" (ConfigMap "m")',
  ]],
  ["an old profile", pod({}, { "container.seccomp.security.alpha.kubernetes.io/c": "x" }), ['metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: non-functional in v1.27+; use the "seccompProfile" field instead']],
]);
