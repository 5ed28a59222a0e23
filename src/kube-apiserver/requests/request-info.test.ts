import assert from "node:assert/strict";
import { test } from "node:test";
import { requestInfo } from "./request-info.ts";

const told = (method: string, url: string): string => {
  const [path = "", query = ""] = url.split("?");
  const { isResourceRequest, verb, group, version, namespace, resource, subresource, name, rest } = requestInfo(method, path, new URLSearchParams(query));
  return isResourceRequest ? [verb, `${group}/${version}`, namespace, [resource, subresource].filter((each) => each !== "").join("/"), name, rest].join(" ").trimEnd() : `- ${verb}`;
};

test("what a request asks for is read from its line", () => {
  for (const [method, url, expected] of [
    ["GET", "/", "- get"],
    ["GET", "/api/v1", "- get"],
    ["GET", "/apis/apps/v1", "- get"],
    ["GET", "/version", "- get"],
    ["GET", "/api/v1/pods", "list /v1  pods"],
    ["GET", "/api/v1/pods/", "list /v1  pods"],
    ["GET", "/api/v1/pods?watch=true", "watch /v1  pods"],
    ["GET", "/api/v1/pods?watch=false", "list /v1  pods"],
    ["GET", "/api/v1/namespaces/a/pods/b", "get /v1 a pods b"],
    ["GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Db", "list /v1 a pods b"],
    ["POST", "/api/v1/namespaces/a/pods/b/binding", "create /v1 a pods/binding b"],
    ["DELETE", "/api/v1/namespaces/a/pods", "deletecollection /v1 a pods"],
    ["DELETE", "/api/v1/namespaces/a/pods/b", "delete /v1 a pods b"],
    ["GET", "/api/v1/watch/namespaces/a/pods", "watch /v1 a pods"],
    ["GET", "/apis/apps/v1/watch/namespaces/a/deployments/b", "watch apps/v1 a deployments b"],
    ["GET", "/api/v1/namespaces/a/pods/b%2Fstatus", "get /v1 a pods/status b"],
    ["PUT", "/api/v1/namespaces/a", "update /v1 a namespaces a"],
    ["PUT", "/api/v1/namespaces/a/finalize", "update /v1 a namespaces/finalize a"],
    ["PATCH", "/apis/apps/v1/namespaces/a/deployments/b/scale", "patch apps/v1 a deployments/scale b"],
    ["GET", "/api/v1/nodes/n/proxy/metrics/cadvisor", "get /v1  nodes/proxy n metrics/cadvisor"],
    ["GET", "/api/v1/namespaces/a/services/https:b:8443/proxy/", "get /v1 a services/proxy https:b:8443"],
    ["GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode", "get rbac.authorization.k8s.io/v1  clusterroles system:node"],
  ] as const) assert.equal(told(method, url), expected, `${method} ${url}`);
});
