import { createPublicKey, type X509Certificate } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../../stdx/clock.ts";
import { isCurrent, parsePair, renewalDueMsOf, type Parsed } from "./check.ts";
import { readText, writeSecret } from "./files.ts";
import type { KeyPemPair, PemPair, Signer, Validity } from "./issue.ts";
import { nodeFile, plannedCertificates, type Authority, type PkiSubjects, type PlannedCertificate } from "./subject.ts";

const dayMs = 24 * 60 * 60 * 1_000;
const authorityLifeMs = 3_650 * dayMs;
const certificateLifeMs = 365 * dayMs;
/** Certificates are valid from a little before they are made, for machines whose clocks run behind. */
const clockSkewMs = 5 * 60 * 1_000;

const authorities: Readonly<Record<Authority, string>> = { "ca": "kubernetes", "front-proxy-ca": "front-proxy-ca" };

/** A certificate, its key, and where both lie. */
export interface Identity extends PemPair {
  readonly certificatePath: string;
  readonly privateKeyPath: string;
  readonly notAfterMs: number;
}

/** Everything that proves something in one cluster. */
export interface Pki {
  readonly ca: Identity;
  readonly frontProxyCa: Identity;
  readonly apiServer: Identity;
  readonly admin: Identity;
  readonly scheduler: Identity;
  readonly controllerManager: Identity;
  readonly kubeProxy: Identity;
  readonly clusterDns: Identity;
  /** With which the API server calls kubelets. */
  readonly apiServerKubeletClient: Identity;
  /** With which the API server calls aggregated API servers. */
  readonly frontProxyClient: Identity;
  readonly nodes: Readonly<Record<string, { readonly kubeletClient: Identity; readonly kubeletServing: Identity }>>;
  /** Signs service-account tokens. */
  readonly serviceAccount: KeyPemPair & { readonly privateKeyPath: string; readonly publicKeyPath: string };
  /** When the first of them should be renewed: call `ensurePki` again then. Milliseconds since the epoch. */
  readonly renewalDueMs: number;
  /** The files that this call wrote, without their endings; empty when all were current. */
  readonly issued: readonly string[];
}

export interface PkiOptions extends PkiSubjects {
  readonly clock: Pick<Clock, "now">;
}

interface Loaded {
  readonly identity: Identity;
  readonly parsed: Parsed;
  readonly issued: boolean;
}

/**
 * Brings the folder to hold a valid certificate for everything in the cluster, and reads them. What is current is kept; what is missing, damaged,
 * made for other names, or past two thirds of its life is issued anew. An authority is renewed with the key it has, so that what it signed stays
 * valid. Calling it twice changes nothing the second time.
 *
 * @throws {Error} when the key of an authority is gone or damaged: replacing it silently would shut out everybody who trusts it.
 */
export async function ensurePki(folder: string, options: PkiOptions): Promise<Pki> {
  const nowMs = options.clock.now();
  const [ca, frontProxyCa, serviceAccount] = await Promise.all([
    ensureAuthority(folder, "ca", nowMs), ensureAuthority(folder, "front-proxy-ca", nowMs), ensureServiceAccountKeys(folder),
  ]);
  const loadedAuthorities: Readonly<Record<Authority, Loaded>> = { "ca": ca, "front-proxy-ca": frontProxyCa };
  const signers = new Map<Authority, Promise<Signer>>();
  const signerFor = (authority: Authority): Promise<Signer> => {
    const known = signers.get(authority) ?? import("./issue.ts").then(({ signerOf }) => signerOf(loadedAuthorities[authority].identity));
    signers.set(authority, known);
    return known;
  };

  const planned = plannedCertificates(options);
  const loaded = await Promise.all(planned.map((each) => ensureCertificate(folder, each, loadedAuthorities[each.authority].parsed.certificate, signerFor, nowMs)));
  const byFile = new Map(planned.map(({ file }, index) => [file, loaded[index]]));
  const identity = (file: string): Identity => {
    const found = byFile.get(file);
    if (!found) throw new Error(`no certificate was planned for ${file}`);
    return found.identity;
  };
  const all = [ca, frontProxyCa, ...loaded];
  return {
    ca: ca.identity,
    frontProxyCa: frontProxyCa.identity,
    apiServer: identity("apiserver"),
    admin: identity("admin"),
    scheduler: identity("kube-scheduler"),
    controllerManager: identity("kube-controller-manager"),
    kubeProxy: identity("kube-proxy"),
    clusterDns: identity("cluster-dns"),
    apiServerKubeletClient: identity("apiserver-kubelet-client"),
    frontProxyClient: identity("front-proxy-client"),
    nodes: Object.fromEntries(
      options.nodes.map(({ name }) => [name, { kubeletClient: identity(nodeFile(name, "kubelet-client")), kubeletServing: identity(nodeFile(name, "kubelet")) }]),
    ),
    serviceAccount: serviceAccount.keys,
    renewalDueMs: Math.min(...all.map(({ parsed }) => renewalDueMsOf(parsed))),
    issued: [
      ...(ca.issued ? ["ca"] : []), ...(frontProxyCa.issued ? ["front-proxy-ca"] : []), ...(serviceAccount.issued ? ["sa"] : []),
      ...planned.filter((_, index) => loaded[index]?.issued).map(({ file }) => file),
    ],
  };
}

const pathsOf = (folder: string, file: string) => ({ certificatePath: join(folder, `${file}.crt`), privateKeyPath: join(folder, `${file}.key`) });

const validity = (nowMs: number, lifeMs: number): Validity => ({ notBeforeMs: nowMs - clockSkewMs, notAfterMs: nowMs + lifeMs });

async function ensureAuthority(folder: string, authority: Authority, nowMs: number): Promise<Loaded> {
  const paths = pathsOf(folder, authority);
  const [certificatePem, privateKeyPem] = await Promise.all([readText(paths.certificatePath), readText(paths.privateKeyPath)]);
  const parsed = parsePair(certificatePem, privateKeyPem);
  if (parsed && certificatePem !== undefined && privateKeyPem !== undefined && nowMs < renewalDueMsOf(parsed)) {
    return { identity: { certificatePem, privateKeyPem, ...paths, notAfterMs: parsed.notAfterMs }, parsed, issued: false };
  }
  // A key without a certificate is what a crash in between leaves behind: nobody trusts that key yet.
  if (!parsed && certificatePem !== undefined) {
    throw new Error(`${paths.certificatePath} and ${paths.privateKeyPath} are not a certificate and its key: restore them, or remove both to start with a new authority`);
  }
  const { issueAuthority } = await import("./issue.ts");
  const pair = await issueAuthority(authorities[authority], validity(nowMs, authorityLifeMs), parsed && certificatePem !== undefined && privateKeyPem !== undefined ? { certificatePem, privateKeyPem } : undefined);
  return written(pair, paths, { durable: true });
}

async function ensureCertificate(
  folder: string, { file, authority, subject }: PlannedCertificate, issuer: X509Certificate, signerFor: (authority: Authority) => Promise<Signer>, nowMs: number,
): Promise<Loaded> {
  const paths = pathsOf(folder, file);
  const [certificatePem, privateKeyPem] = await Promise.all([readText(paths.certificatePath), readText(paths.privateKeyPath)]);
  const parsed = parsePair(certificatePem, privateKeyPem);
  if (parsed && certificatePem !== undefined && privateKeyPem !== undefined && isCurrent(parsed, subject, issuer, nowMs)) {
    return { identity: { certificatePem, privateKeyPem, ...paths, notAfterMs: parsed.notAfterMs }, parsed, issued: false };
  }
  const signer = await signerFor(authority);
  const { issueCertificate } = await import("./issue.ts");
  return written(await issueCertificate(subject, validity(nowMs, certificateLifeMs), signer), paths, { durable: false });
}

async function written(pair: PemPair, paths: ReturnType<typeof pathsOf>, options: { readonly durable: boolean }): Promise<Loaded> {
  await writeSecret(paths.privateKeyPath, pair.privateKeyPem, options);
  await writeSecret(paths.certificatePath, pair.certificatePem, options);
  const parsed = parsePair(pair.certificatePem, pair.privateKeyPem);
  if (!parsed) throw new Error(`the certificate made for ${paths.certificatePath} does not fit its key`);
  return { identity: { ...pair, ...paths, notAfterMs: parsed.notAfterMs }, parsed, issued: true };
}

async function ensureServiceAccountKeys(folder: string): Promise<{ readonly keys: Pki["serviceAccount"]; readonly issued: boolean }> {
  const paths = { privateKeyPath: join(folder, "sa.key"), publicKeyPath: join(folder, "sa.pub") };
  const [privateKeyPem, publicKeyPem] = await Promise.all([readText(paths.privateKeyPath), readText(paths.publicKeyPath)]);
  if (privateKeyPem !== undefined) {
    const derived = createPublicKey(privateKeyPem).export({ type: "spki", format: "pem" }).toString();
    if (publicKeyPem === undefined) await writeSecret(paths.publicKeyPath, derived);
    return { keys: { privateKeyPem, publicKeyPem: publicKeyPem ?? derived, ...paths }, issued: false };
  }
  const { generateKeyPair } = await import("./issue.ts");
  const keys = await generateKeyPair();
  await writeSecret(paths.privateKeyPath, keys.privateKeyPem, { durable: true });
  await writeSecret(paths.publicKeyPath, keys.publicKeyPem, { durable: true });
  return { keys: { ...keys, ...paths }, issued: true };
}
