import { testCreates, testUpdates, type Loose } from "../validation-table.ts";
import { certificateSigningRequestResource } from "./certificate-signing-request.ts";

/** Made with openssl for a subject of /CN=a, with a key that was thrown away. */
const ecdsa = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIR01HNENBUUF3RERFS01BZ0dBMVVFQXd3QllUQlpNQk1HQnlxR1NNNDlBZ0VHQ0NxR1NNNDlBd0VIQTBJQQpCTDlrOHZkeXhRYkdxNlZiNUplR1NMSis5QzVzNXNpNnQ4Nks5aWMwY2RlS3R0T0UrcEcvZTU1Q3JZK3ExMytwCnQyTUNjY25pVGFIWFdpNGttVC9OUU5XZ0FEQUtCZ2dxaGtqT1BRUURBZ05JQURCRkFpQkM5YXFka2J0V3VKSFIKOU5lOTNUd3E3T3ZEdndmRkdQTkxkc3hsbDFzeU1BSWhBSjFpS1FaUTVQMTJtU2ZQRUMzOVVPT3BoYnIyK2dLdgpFTFdSYkRZMW1oNWwKLS0tLS1FTkQgQ0VSVElGSUNBVEUgUkVRVUVTVC0tLS0tCg==";
const rsa = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlJQ1VUQ0NBVGtDQVFBd0RERUtNQWdHQTFVRUF3d0JZVENDQVNJd0RRWUpLb1pJaHZjTkFRRUJCUUFEZ2dFUApBRENDQVFvQ2dnRUJBSXp0emNzNk1QdVFJcmdoR2pQaE15RnhjUjd2U3ZTc3M4TXAwVHkweDVDcm1Eb1ByeWx6CjVFWlYyUURJSVc4WFlZMWdtWjFlTHhHcGlYSWxUSDBTb011Z1ZvSFpFa2owS0V2cWo2dTdWVVNBT3VnS1dxWEQKOXFXY3F2bnRuK05hb2JOOFFDZElpYkFGTVBwK3ZjTDlxakIyUEJuc3o5c3N2WXVvbmQyUmxMU2lLaStQUmVaMwpPSWxaYnlFNk5zL0gweGkwRzZiajYrN09zekJUVHBMbjJXa2pqMWlOaXE0K2pVeDRRRzhpenJMVG04SkpmdFkrClZFMitjWWZ0dWlUSmpiSG1ZcUo1akhYdDdNbEZnaEFnc3ViZkpZQm5iNFB5WmVVN3BWYXFlR0tOUnpoQjdDa28KSERmWCsrZmltbWoxdEtMNG1OMXhmcEJncEdwZUFXRE5yZ1VDQXdFQUFhQUFNQTBHQ1NxR1NJYjNEUUVCQ3dVQQpBNElCQVFBanNsQStpQXd3QjFEL045UzlpUnQ0clpGckJqdnluQzFrK0xHN2pmYzhucE1FMHc3SW80WDhyOGFvCnNhNDFZcng4d0s3UVpEdFdKNHBCa29LWFhxdFM0NG90ckxkL1hmcHJZeWw5VUVLRmhGdkpSSGx1MlJ5RkZ6aFAKVkVJU1VydGJHemtjRnJMTnY2Z3dnbllUbi9sdlhBaFk0WlNRWjBKTUp4Uk5oejJiVm90aGhzZ01lRVFzSVlIRwoxN2liZ1gwVFhhY0hLbVVMYmlJYjNZYVdIbkYvbGhXZkR2ekZCZ1B3aFlTcFhYU0xEb043NnlWQ3NiTHdyeFE2Cnc0MjhubjZmYzhkenVnQVhhRWFrNlRmQllrL0cybDRlMHBoVE5XYTNOSUt3QmZIMHM4VTYxV1ZFZXVLSU9VM1AKNUlmTmVUbkpnTVhRbFBCVHZqU0FDNG5TeklQZwotLS0tLUVORCBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
const certificate = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUJiakNDQVJPZ0F3SUJBZ0lVUFZob0hFOTFyeU9RWDMrNUcyUmFiM0hBM1NFd0NnWUlLb1pJemowRUF3SXcKRERFS01BZ0dBMVVFQXd3QllUQWVGdzB5TmpFeE1qRXdPVEl5TXpSYUZ3MHpOakV4TVRnd09USXlNelJhTUF3eApDakFJQmdOVkJBTU1BV0V3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFNQkJ3TkNBQVMvWlBMM2NzVUd4cXVsClcrU1hoa2l5ZnZRdWJPYkl1cmZPaXZZbk5ISFhpcmJUaFBxUnYzdWVRcTJQcXRkL3FiZGpBbkhKNGsyaDExb3UKSkprL3pVRFZvMU13VVRBZEJnTlZIUTRFRmdRVVNpTDJ2MHpXaDRWMHBrWktZTHpKSXZHanBjZ3dId1lEVlIwagpCQmd3Rm9BVVNpTDJ2MHpXaDRWMHBrWktZTHpKSXZHanBjZ3dEd1lEVlIwVEFRSC9CQVV3QXdFQi96QUtCZ2dxCmhrak9QUVFEQWdOSkFEQkdBaUVBay9wMXU0UTJIYWhzU2Fub0VsK2pISTJ1WkVvc1ByV1RUNkZsRSsrTlV6NEMKSVFEU2lxVDJmd0VkQXYvK1hpQXdhclEveFN4SktIQmJManBNZEdMNmR3bThTZz09Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";

const pem = (text: string): string => Buffer.from(text).toString("base64");
/** The same request with its subject changed, so that the signature is no longer its own. */
function tampered(request: string): string {
  const body = Buffer.from(Buffer.from(request, "base64").toString().replaceAll(/-----[^-]+-----|\s/g, ""), "base64");
  const at = body.indexOf(Buffer.from([0x0c, 0x01, 0x61]));
  body.writeUInt8(0x62, at + 2);
  return pem(`-----BEGIN CERTIFICATE REQUEST-----\n${body.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`);
}
const csr = (more: Loose = {}): Loose => ({ spec: { request: ecdsa, signerName: "example.com/s", usages: ["client auth"], ...more } });
const approved = { type: "Approved", status: "True" };
const denied = { type: "Denied", status: "True" };

testCreates(certificateSigningRequestResource, [
  ["a good one", csr(), []],
  ["a good one with another kind of key", csr({ request: rsa }), []],
  ["something else", csr({ request: pem("x") }), [`spec.request: Invalid value: "${pem("x")}": PEM block type must be CERTIFICATE REQUEST`]],
  ["a certificate", csr({ request: certificate }), [`spec.request: Invalid value: "${certificate}": PEM block type must be CERTIFICATE REQUEST`]],
  ["a signature of something else", csr({ request: tampered(ecdsa) }), [`spec.request: Invalid value: "${tampered(ecdsa)}": x509: ECDSA verification failure`]],
  ["a signature of something else, with RSA", csr({ request: tampered(rsa) }), [`spec.request: Invalid value: "${tampered(rsa)}": crypto/rsa: verification error`]],
  ["a usage twice", csr({ usages: ["client auth", "client auth"] }), ['spec.usages[1]: Duplicate value: "client auth"']],
  ["the signer from before", csr({ signerName: "kubernetes.io/legacy-unknown" }), ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version']],
  ["nobody to sign", csr({ signerName: "" }), ["spec.signerName: Required value"]],
  ["for a moment", csr({ expirationSeconds: 1 }), ["spec.expirationSeconds: Invalid value: 1: may not specify a duration less than 600 seconds (10 minutes)"]],
]);
testUpdates(certificateSigningRequestResource, [
  ["yes", csr(), { status: { conditions: [approved] } }, []],
  ["yes and no", csr(), { status: { conditions: [approved, denied] } }, ['status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive']],
  ["no longer", { ...csr(), status: { conditions: [approved] } }, { status: { conditions: [] } }, ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']],
], "approval");
testUpdates(certificateSigningRequestResource, [
  ["signed", { ...csr(), status: { conditions: [approved] } }, { status: { conditions: [approved], certificate } }, []],
  ["signed by a request", csr(), { status: { certificate: ecdsa } }, ['status.certificate: Invalid value: "<certificate data>": only CERTIFICATE PEM blocks are allowed, found "CERTIFICATE REQUEST"']],
  ["signed again", { ...csr(), status: { certificate } }, { status: { certificate: pem("x") } }, [
    'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block', "status.certificate: Forbidden: updates may not modify existing certificate content",
  ]],
], "status");
