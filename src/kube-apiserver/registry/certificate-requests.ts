import type { CertificateSigningRequest, CertificateSigningRequestCondition } from "../../api/generated/certificates-v1.ts";
import type { KubeObject } from "../../apimachinery/object.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { UserInfo } from "../access.ts";
import type { Begun, RegistryHooks } from "./registry.ts";

const asIs = (object: KubeObject): Begun => ({ object, end: () => undefined });

/** Who asks is what the server saw, whatever the body says: signers decide by it. */
function asRequestedBy({ spec, ...request }: CertificateSigningRequest, { name, uid, groups, extra }: UserInfo): CertificateSigningRequest {
  const { username: _, uid: __, groups: ___, extra: ____, ...asked } = spec;
  return {
    ...request,
    spec: {
      ...asked, username: name, ...(uid !== undefined && uid !== "" && { uid }), ...(groups.length > 0 && { groups }),
      ...(extra && Object.keys(extra).length > 0 && { extra }),
    },
  };
}

/** Conditions that come without times get the present, except that a transition that did not happen keeps its time. */
function withTimes(conditions: readonly CertificateSigningRequestCondition[], before: readonly CertificateSigningRequestCondition[], now: string): readonly CertificateSigningRequestCondition[] {
  return conditions.map((condition) => ({
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime: condition.lastTransitionTime ?? before.find(({ type, status }) => type === condition.type && status === condition.status)?.lastTransitionTime ?? now,
  }));
}

/** What depends on the request and the clock, and so cannot be said by the kind alone. */
export function certificateRequestHooks(clock: Pick<Clock, "now">): RegistryHooks {
  return {
    beginCreate: (object, { user }) => asIs(asRequestedBy(object as CertificateSigningRequest, user)),
    beginUpdate(next, previous, { subresource }) {
      const { status } = next as CertificateSigningRequest;
      if ((subresource !== "status" && subresource !== "approval") || !status?.conditions) return asIs(next);
      const before = (previous as CertificateSigningRequest).status?.conditions ?? [];
      return asIs({ ...next, status: { ...status, conditions: withTimes(status.conditions, before, formatTime(clock.now())) } } as KubeObject);
    },
  };
}
