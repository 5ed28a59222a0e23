import { timingSafeEqual } from "node:crypto";
import { secrets } from "../../api/generated/core-v1.ts";
import type { ClusterReader, UserInfo } from "../access.ts";

const secretType = "bootstrap.kubernetes.io/token";
const namespace = "kube-system";
const defaultGroup = "system:bootstrappers";

const text = (value: string | undefined): string => Buffer.from(value ?? "", "base64").toString("utf8");

/**
 * Tokens ("abcdef.0123456789abcdef") with which new nodes join: Secrets in kube-system, good until they expire. Undefined for anything that is not
 * such a token, or not a good one.
 */
export function userOfBootstrapToken(cluster: ClusterReader, token: string, nowMs: number): UserInfo | undefined {
  const [, id, given] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token) ?? [];
  if (id === undefined || given === undefined) return undefined;
  const secret = cluster.get(secrets, namespace, `bootstrap-token-${id}`);
  if (!secret || secret.type !== secretType || secret.metadata.deletionTimestamp !== undefined) return undefined;
  const data = secret.data ?? {};
  const [wanted, held] = [Buffer.from(text(data["token-secret"])), Buffer.from(given)];
  if (wanted.length !== held.length || !timingSafeEqual(wanted, held) || text(data["token-id"]) !== id) return undefined;
  const expiration = text(data["expiration"]);
  if (expiration !== "" && !(Date.parse(expiration) > nowMs)) return undefined;
  if (text(data["usage-bootstrap-authentication"]) !== "true") return undefined;
  const groups = text(data["auth-extra-groups"]).split(",").filter((group) => group.startsWith("system:bootstrappers:"));
  return { name: `system:bootstrap:${id}`, groups: [...new Set([defaultGroup, ...groups])] };
}
