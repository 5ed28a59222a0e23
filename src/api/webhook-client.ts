import { invalid, required, type FieldError } from "../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, portNumberErrors } from "../apimachinery/validation.ts";
import { absent } from "./checks.ts";

/** How a webhook is reached: shared by the configurations of admission and by conversion between versions of custom resources. */
export interface WebhookClient {
  readonly url?: string;
  readonly service?: { readonly name?: string; readonly namespace?: string; readonly path?: string; readonly port?: number };
}

const form = "; desired format: https://host[/path]";
/** The parts of a URL as RFC 3986 (appendix B) has them; the platform's own parser mends what should be refused. */
const parts = /^(?:([^:/?#]+):)?(?:\/\/([^/?#]*))?[^?#]*(?:\?([^#]*))?(?:#(.*))?$/s;

function parseProblem(url: string): string | undefined {
  const quoted = JSON.stringify(url);
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(url)) return `parse ${quoted}: net/url: invalid control character in URL`;
  if (url.startsWith(":")) return `parse ${quoted}: missing protocol scheme`;
  const scheme = parts.exec(url)?.[1];
  if (scheme !== undefined && !/^[A-Za-z][-+.A-Za-z0-9]*$/.test(scheme)) return `parse ${quoted}: first path segment in URL cannot contain colon`;
  const port = /:([^:\]]*)$/.exec((parts.exec(url)?.[2] ?? "").replace(/^.*@/s, ""))?.[1];
  return port !== undefined && !/^[0-9]*$/.test(port) ? `parse ${quoted}: invalid port ${JSON.stringify(`:${port}`)} after host` : undefined;
}

function* validateUrl(url: string, path: string): Generator<FieldError> {
  const problem = parseProblem(url);
  if (problem !== undefined) return yield required(path, `url must be a valid URL: ${problem}${form}`);
  const [, scheme = "", authority = "", query = "", fragment = ""] = parts.exec(url) ?? [];
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  if (scheme.toLowerCase() !== "https") yield invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`);
  if (host === "") yield invalid(path, host, `host must be specified${form}`);
  if (at >= 0) yield invalid(path, authority.slice(0, at), "user information is not permitted in the URL");
  if (fragment !== "") yield invalid(path, fragment, "fragments are not permitted in the URL");
  if (query !== "") yield invalid(path, query, "query parameters are not permitted in the URL");
}

function* validateService({ name, namespace, path: location, port = 0 }: NonNullable<WebhookClient["service"]>, path: string): Generator<FieldError> {
  // Upstream hands the two over the wrong way round, so each is reported as the other.
  if (absent(namespace)) yield required(`${path}.name`);
  if (absent(name)) yield required(`${path}.namespace`);
  const problems = portNumberErrors(port);
  if (problems.length > 0) yield invalid(`${path}.port`, port, `port is not valid: ${problems.join(", ")}`);
  if (absent(location) || location === "/") return;
  const at = `${path}.path`;
  if (location === "//") return yield invalid(at, location, "segment[0] may not be empty");
  if (!location.startsWith("/")) yield invalid(at, location, "must start with a '/'");
  for (const [index, segment] of location.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (segment === "") yield invalid(at, location, `segment[${index}] may not be empty`);
    else for (const problem of dns1123SubdomainErrors(segment)) yield invalid(at, location, `segment[${index}]: ${problem}`);
  }
}

export function* validateWebhookClient({ url, service }: WebhookClient, path: string): Generator<FieldError> {
  if ((url === undefined) === (service === undefined)) yield required(path, "exactly one of url or service is required");
  else if (url !== undefined) yield* validateUrl(url, `${path}.url`);
  else if (service !== undefined) yield* validateService(service, `${path}.service`);
}
