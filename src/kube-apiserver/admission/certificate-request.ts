/** Who a certificate signing request wants to be. */
export interface RequestedSubject {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/**
 * Reads the PEM that `spec.request` of a CertificateSigningRequest holds in base64. The X.509 library is loaded when the first request comes.
 *
 * @throws {Error} when it is not a PKCS#10 request.
 */
export async function subjectOfRequest(request: string): Promise<RequestedSubject> {
  const text = Buffer.from(request, "base64").toString("utf8");
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(text)) throw new Error("PEM block type must be CERTIFICATE REQUEST");
  await import("reflect-metadata");
  const { Pkcs10CertificateRequest } = await import("@peculiar/x509");
  const { subjectName } = new Pkcs10CertificateRequest(text);
  return { commonName: subjectName.getField("CN")[0] ?? "", organizations: subjectName.getField("O") };
}
