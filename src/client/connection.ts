/** Everything that is needed to reach one API server as somebody: what a kubeconfig's context, or a pod's service account, comes down to. */
export interface Connection {
  /** "https://10.0.0.1:6443", with an optional path in front of all others. */
  readonly server: string;
  readonly certificateAuthority?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  /** Read again every minute, for tokens that are replaced while the process runs. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tlsServerName?: string;
  readonly insecureSkipTlsVerify?: boolean;
  readonly impersonate?: { readonly user: string; readonly groups?: readonly string[]; readonly uid?: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  /** The namespace that commands without one mean. */
  readonly namespace?: string;
}
