import { invalid, required, type FieldError } from "../apimachinery/field-error.ts";
import { dns1123SubdomainErrors, portNumberErrors } from "../apimachinery/validation.ts";
import { addAll } from "../stdx/add-all.ts";
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

function validateUrl(url: string, path: string): readonly FieldError[] {
  const problem = parseProblem(url);
  if (problem !== undefined) return [required(path, `url must be a valid URL: ${problem}${form}`)];
  const [, scheme = "", authority = "", query = "", fragment = ""] = parts.exec(url) ?? [];
  const at = authority.lastIndexOf("@");
  const host = authority.slice(at + 1);
  const errors: FieldError[] = [];
  if (scheme.toLowerCase() !== "https") errors.push(invalid(path, scheme.toLowerCase(), `'https' is the only allowed URL scheme${form}`));
  if (host === "") errors.push(invalid(path, host, `host must be specified${form}`));
  if (at >= 0) errors.push(invalid(path, authority.slice(0, at), "user information is not permitted in the URL"));
  if (fragment !== "") errors.push(invalid(path, fragment, "fragments are not permitted in the URL"));
  if (query !== "") errors.push(invalid(path, query, "query parameters are not permitted in the URL"));
  return errors;
}

function validateService({ name, namespace, path: location, port = 0 }: NonNullable<WebhookClient["service"]>, path: string): readonly FieldError[] {
  // Upstream hands the two over the wrong way round, so each is reported as the other.
  const errors: FieldError[] = [];
  if (absent(namespace)) errors.push(required(`${path}.name`));
  if (absent(name)) errors.push(required(`${path}.namespace`));
  const problems = portNumberErrors(port);
  if (problems.length > 0) errors.push(invalid(`${path}.port`, port, `port is not valid: ${problems.join(", ")}`));
  if (absent(location) || location === "/") return errors;
  const at = `${path}.path`;
  if (location === "//") return [...errors, invalid(at, location, "segment[0] may not be empty")];
  if (!location.startsWith("/")) errors.push(invalid(at, location, "must start with a '/'"));
  for (const [index, segment] of location.slice(1).replace(/\/$/, "").split("/").entries()) {
    if (segment === "") errors.push(invalid(at, location, `segment[${index}] may not be empty`));
    else for (const problem of dns1123SubdomainErrors(segment)) errors.push(invalid(at, location, `segment[${index}]: ${problem}`));
  }
  return errors;
}

export function validateWebhookClient({ url, service }: WebhookClient, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if ((url === undefined) === (service === undefined)) errors.push(required(path, "exactly one of url or service is required"));
  else if (url !== undefined) addAll(errors, validateUrl(url, `${path}.url`));
  else if (service !== undefined) addAll(errors, validateService(service, `${path}.service`));
  return errors;
}
