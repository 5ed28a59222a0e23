import { certificatesigningrequests, type CertificateSigningRequest } from "../../api/generated/certificates-v1.ts";
import { equal } from "../../stdx/equal.ts";
import type { AdmissionPlugin, Authorizer, UserInfo } from "../access.ts";
import { handlesOnly, isResource, refuse } from "./plugin.ts";
import { subjectOfRequest } from "./certificate-request.ts";

/** Rights on signers are given by name ("example.com/a") or for a whole domain ("example.com/*"). */
async function mayUseSigner(authorizer: Authorizer, user: UserInfo, verb: "approve" | "sign", signer: string): Promise<boolean> {
  const domain = `${signer.split("/")[0] ?? ""}/*`;
  for (const name of [signer, domain]) {
    const { decision } = await authorizer.authorize({
      user, verb, path: "", isResourceRequest: true, group: "certificates.k8s.io", version: "*", resource: "signers", subresource: "", namespace: "", name,
    });
    if (decision === "allow") return true;
  }
  return false;
}

const isOf = (...subresources: readonly string[]): AdmissionPlugin["handles"] => (operation, type, subresource) =>
  operation === "UPDATE" && isResource(type, certificatesigningrequests) && subresources.includes(subresource);

/** Who approves a request must be allowed to approve for its signer. */
export const certificateApproval = (authorizer: Authorizer): AdmissionPlugin => ({
  name: "CertificateApproval",
  handles: isOf("approval"),
  async validate(request) {
    const { spec: { signerName } } = request.oldObject as CertificateSigningRequest;
    if (await mayUseSigner(authorizer, request.user, "approve", signerName)) return;
    throw refuse(request, `user not permitted to approve requests with signerName ${JSON.stringify(signerName)}`);
  },
});

/** Who puts a certificate (or a failure) into a request must be allowed to sign for its signer. */
export const certificateSigning = (authorizer: Authorizer): AdmissionPlugin => ({
  name: "CertificateSigning",
  handles: isOf("status"),
  async validate(request) {
    const [next, previous] = [request.object as CertificateSigningRequest, request.oldObject as CertificateSigningRequest];
    if (equal(next.status, previous.status)) return;
    const { signerName } = previous.spec;
    if (await mayUseSigner(authorizer, request.user, "sign", signerName)) return;
    throw refuse(request, `user not permitted to sign requests with signerName ${JSON.stringify(signerName)}`);
  },
});

const clientSigner = "kubernetes.io/kube-apiserver-client";

/** Nobody becomes a superuser by a certificate. */
export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  handles: handlesOnly(certificatesigningrequests, "CREATE"),
  async validate(request) {
    const { spec } = request.object as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const { organizations } = await subjectOfRequest(spec.request).catch((error: unknown) => {
      throw refuse(request, `failed to parse CSR: ${error instanceof Error ? error.message : String(error)}`);
    });
    if (organizations.includes("system:masters")) throw refuse(request, `use of ${clientSigner} signer with system:masters group is not allowed`);
  },
};
