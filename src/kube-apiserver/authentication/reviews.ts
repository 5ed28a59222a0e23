import {
  selfsubjectreviews, tokenreviews, type SelfSubjectReview, type TokenReview, type TokenReviewStatus, type UserInfo as ApiUserInfo,
} from "../../api/generated/authentication-v1.ts";
import { badRequest } from "../../apimachinery/status-error.ts";
import { formatTime } from "../../apimachinery/time.ts";
import type { Clock } from "../../stdx/clock.ts";
import type { UserInfo, VirtualResource } from "../access.ts";
import { withAuthenticatedGroup } from "./identity.ts";
import type { ServiceAccountTokens } from "./service-account-tokens.ts";

const apiUser = ({ name, uid, groups, extra }: UserInfo): ApiUserInfo => ({
  username: name, ...(uid !== undefined && uid !== "" && { uid }), ...(groups.length > 0 && { groups }), ...(extra && Object.keys(extra).length > 0 && { extra }),
});

/** "Who am I?": `kubectl auth whoami`. */
export const selfSubjectReview = (clock: Pick<Clock, "now">): VirtualResource => ({
  type: selfsubjectreviews,
  create: ({ user }): SelfSubjectReview => ({
    apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview", metadata: { creationTimestamp: formatTime(clock.now()) }, status: { userInfo: apiUser(user) },
  }),
});

/** "Whose token is this?": for servers that are given our tokens. `bootstrap`: other tokens that count here. */
export const tokenReview = (tokens: ServiceAccountTokens, bootstrap: (token: string) => UserInfo | undefined): VirtualResource => ({
  type: tokenreviews,
  create({ object }): TokenReview {
    const review = object as TokenReview;
    // The schema demands a token, but nothing has held the client to it yet.
    const { token, audiences = [] }: Partial<TokenReview["spec"]> = review.spec ?? {};
    if (token === undefined || token === "") throw badRequest("token is required for TokenReview in authentication");
    return { ...review, status: statusOf(tokens, bootstrap, token, audiences.length === 0 ? tokens.audiences : audiences) };
  },
});

function statusOf(tokens: ServiceAccountTokens, bootstrap: (token: string) => UserInfo | undefined, token: string, audiences: readonly string[]): TokenReviewStatus {
  try {
    const known = tokens.verify(token, audiences);
    if (known) return { audiences: known.audiences, authenticated: true, user: apiUser(withAuthenticatedGroup(known.user)) };
    // Bootstrap tokens are for this server and nobody else.
    const user = bootstrap(token);
    const here = audiences.filter((audience) => tokens.audiences.includes(audience));
    if (user && here.length > 0) return { audiences: here, authenticated: true, user: apiUser(withAuthenticatedGroup(user)) };
    return { error: "invalid bearer token", user: {} };
  } catch (error) {
    return { error: `[invalid bearer token, ${error instanceof Error ? error.message : String(error)}]`, user: {} };
  }
}
