import type { Secret } from "../../api/generated/core-v1.ts";
import type { AuthConfig } from "../../cri/generated/cri-v1.ts";
import type { Input } from "../../stdx/grpc.ts";
import { parseImageName } from "./image-name.ts";

interface Entry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

const configOf = (secret: Secret): Readonly<Record<string, Entry>> => {
  const { data = {} } = secret;
  const decode = (key: string): unknown => JSON.parse(Buffer.from(data[key] ?? "", "base64").toString());
  if (secret.type === "kubernetes.io/dockerconfigjson" && data[".dockerconfigjson"] !== undefined) return (decode(".dockerconfigjson") as { readonly auths?: Readonly<Record<string, Entry>> }).auths ?? {};
  if (secret.type === "kubernetes.io/dockercfg" && data[".dockercfg"] !== undefined) return decode(".dockercfg") as Readonly<Record<string, Entry>>;
  return {};
};

const hubNames = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

/** Whether the key of a credential ("host", "https://host/v1/", "*.host/path") covers an image; longer keys are closer. */
function covers(key: string, registry: string, repository: string): boolean {
  const [host = "", ...segments] = key.replace(/^https?:\/\//, "").replace(/\/+$/, "").split("/");
  const path = segments.length > 0 && /^v[12]$/.test(segments[0] ?? "") ? segments.slice(1).join("/") : segments.join("/");
  const [keyName = "", keyPort = ""] = host.split(":");
  const [name = "", port = ""] = registry.split(":");
  const sameHost = (hubNames.has(host) && hubNames.has(registry)) || (keyPort === port && keyName.split(".").length === name.split(".").length
    && keyName.split(".").every((part, index) => new RegExp(`^${part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^.]*")}$`).test(name.split(".")[index] ?? "")));
  return sameHost && (path === "" || repository === path || repository.startsWith(`${path}/`) || repository.startsWith(path));
}

function authOf({ username, password, auth, identitytoken, registrytoken }: Entry, serverAddress: string): Input<AuthConfig> {
  const decoded = auth === undefined || auth === "" ? "" : Buffer.from(auth, "base64").toString();
  const colon = decoded.indexOf(":");
  return {
    serverAddress, username: username ?? (colon < 0 ? "" : decoded.slice(0, colon)), password: password ?? (colon < 0 ? "" : decoded.slice(colon + 1).replace(/\0+$/, "")),
    identityToken: identitytoken ?? "", registryToken: registrytoken ?? "",
  };
}

/** Credentials for an image from pull secrets, the closest first. Empty: ask without. */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly Input<AuthConfig>[] {
  const { registry, repository } = parseImageName(image);
  return secrets
    .flatMap((secret) => Object.entries(configOf(secret)))
    .filter(([key]) => covers(key, registry, repository))
    .toSorted(([a], [b]) => b.length - a.length)
    .map(([key, entry]) => authOf(entry, key));
}
