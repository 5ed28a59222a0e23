import { bitsOf, formatCidr, formatIp, isIpv4Mapped, masked, parseCidr, parseCidrSloppy, parseIp, parseIpSloppy, unmapped } from "../stdx/ip.ts";
import { utf8Length } from "../stdx/bytes.ts";
import { forbidden, invalid, required, tooLong, type FieldError } from "./field-error.ts";

/**
 * Checks of single values. Each returns what is wrong as texts (none when all is well), in the words of upstream's
 * apimachinery/pkg/util/validation; those that take a `field` return `FieldError`s.
 */
type Check = (value: string) => readonly string[];

const charactersMax = (length: number): string => `must be no more than ${length} characters`;
const bytesMax = (length: number): string => `must be no more than ${length} bytes`;
const nonEmpty = "must be non-empty";
export const rangeError = (low: number, high: number): string => `must be between ${low} and ${high}, inclusive`;

/** "…  (e.g. 'my-name',  or '123-abc', regex used for validation is '…')" */
export function regexError(message: string, pattern: string, ...examples: readonly string[]): string {
  const shown = examples.length === 0 ? "" : `e.g. ${examples.map((example) => `'${example}', `).join(" or ")}`;
  return `${message} (${shown}regex used for validation is '${pattern}')`;
}

interface Rule { readonly pattern: string; readonly message: string; readonly examples: readonly string[]; readonly lengthMax?: number }
const whole = (pattern: string): RegExp => new RegExp(`^(?:${pattern})$`);
const tooLongFor = (value: string, lengthMax: number): boolean => value.length > lengthMax || (value.length * 3 > lengthMax && utf8Length(value) > lengthMax);

function rule({ pattern, message, examples, lengthMax }: Rule): Check {
  const expression = whole(pattern);
  // Required fields may be absent all the same, in what a client sends: they count as empty.
  return (value = "") => [
    ...(lengthMax !== undefined && tooLongFor(value, lengthMax) ? [charactersMax(lengthMax)] : []),
    ...(expression.test(value) ? [] : [regexError(message, pattern, ...examples)]),
  ];
}

const labelPattern = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainPattern = `${labelPattern}(\\.${labelPattern})*`;
const underscoredLabelPattern = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const subdomainExpression = whole(subdomainPattern);
const labelExpression = whole(labelPattern);
const labelMessage = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
const subdomainMessage = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
const labelLengthMax = 63;
const subdomainLengthMax = 253;

export const dns1123LabelErrors: Check = (value) => [
  ...(tooLongFor(value, labelLengthMax) ? [charactersMax(labelLengthMax)] : []),
  ...(labelExpression.test(value) ? []
    : subdomainExpression.test(value) ? ["must not contain dots"] : [regexError(labelMessage, labelPattern, "my-name", "123-abc")]),
];
export const dns1123SubdomainErrors = rule({ pattern: subdomainPattern, message: subdomainMessage, examples: ["example.com"], lengthMax: subdomainLengthMax });
export const dns1123UnderscoredSubdomainErrors = rule({
  pattern: `${underscoredLabelPattern}(\\.${underscoredLabelPattern})*`,
  message: "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character",
  examples: ["example.com"], lengthMax: subdomainLengthMax,
});
export const dns1035LabelErrors = rule({
  pattern: "[a-z]([-a-z0-9]*[a-z0-9])?",
  message: "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  examples: ["my-name", "abc-123"], lengthMax: labelLengthMax,
});
export const wildcardDns1123SubdomainErrors = rule({
  pattern: `\\*\\.${subdomainPattern}`,
  message: "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  examples: ["*.example.com"], lengthMax: subdomainLengthMax,
});
export const cIdentifierErrors = rule({
  pattern: "[A-Za-z_][A-Za-z0-9_]*", examples: ["my_name", "MY_NAME", "MyName"],
  message: "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
});
export const percentErrors = rule({ pattern: "[0-9]+%", message: "a valid percent string must be a numeric string followed by an ending '%'", examples: ["1%", "93%"] });
export const httpHeaderNameErrors = rule({ pattern: "[-A-Za-z0-9]+", message: "a valid HTTP header must consist of alphanumeric characters or '-'", examples: ["X-Header-Name"] });

const namePattern = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const nameExpression = whole(namePattern);
const nameMessage = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const labelValueMessage =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** A qualified name: "app", "example.com/app". The rule of label keys, annotation keys (after lower-casing), finalizers, resources. */
export const labelKeyErrors: Check = (value = "") => {
  const parts = value.split("/");
  if (parts.length > 2) {
    return [`a valid label key ${regexError(nameMessage, namePattern, "MyName", "my.name", "123-abc")} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const name = parts.at(-1) ?? "";
  const errors: string[] = [];
  if (parts.length === 2) {
    const prefix = parts[0] ?? "";
    if (prefix === "") errors.push(`prefix part ${nonEmpty}`);
    else if (tooLongFor(prefix, subdomainLengthMax)) errors.push(`prefix part ${bytesMax(subdomainLengthMax)}`);
    if (prefix !== "" && !subdomainExpression.test(prefix)) errors.push(`prefix part ${regexError(subdomainMessage, subdomainPattern, "example.com")}`);
  }
  if (name === "") errors.push(`name part ${nonEmpty}`);
  else if (tooLongFor(name, labelLengthMax)) errors.push(`name part ${bytesMax(labelLengthMax)}`);
  if (!nameExpression.test(name)) errors.push(`name part ${regexError(nameMessage, namePattern, "MyName", "my.name", "123-abc")}`);
  return errors;
};
export const qualifiedNameErrors = labelKeyErrors;

export const labelValueErrors: Check = (value) => [
  ...(tooLongFor(value, labelLengthMax) ? [bytesMax(labelLengthMax)] : []),
  ...(value === "" || nameExpression.test(value) ? [] : [regexError(labelValueMessage, `(${namePattern})?`, "MyValue", "my_value", "12345")]),
];

const parentDirectoryErrors: Check = (value) =>
  value === "." ? ["must not be '.'"] : value === ".." ? ["must not be '..'"] : value.startsWith("..") ? ["must not start with '..'"] : [];

const strictEnvVarName = rule({
  pattern: "[-._a-zA-Z][-._a-zA-Z0-9]*", examples: ["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
  message: "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
});
export const envVarNameErrors: Check = (value) => [...strictEnvVarName(value), ...parentDirectoryErrors(value)];
/** The rule since environment variable names were relaxed (1.34). */
export const relaxedEnvVarNameErrors: Check = (value) => [
  ...(value === "" ? [`environment variable name ${nonEmpty}`] : []),
  ...(/^[\x20-\x3c\x3e-\x7e]*$/.test(value) ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]),
];

const configKey = rule({
  pattern: "[-._a-zA-Z0-9]+", examples: ["key.name", "KEY_NAME", "key-name"], lengthMax: subdomainLengthMax,
  message: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
});
/** Keys of ConfigMaps and Secrets. */
export const configMapKeyErrors: Check = (value) => [...configKey(value), ...parentDirectoryErrors(value)];

/** IANA_SVC_NAME, RFC 6335. */
export const portNameErrors: Check = (value) => [
  ...(tooLongFor(value, 15) ? [charactersMax(15)] : []),
  ...(/^[-a-z0-9]+$/.test(value) ? [] : ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
  ...(/[a-z]/.test(value) ? [] : ["must contain at least one letter (a-z)"]),
  ...(value.includes("--") ? ["must not contain consecutive hyphens"] : []),
  ...(value.startsWith("-") || value.endsWith("-") ? ["must not begin or end with a hyphen"] : []),
];

export const rangeErrors = (value: number, low: number, high: number): readonly string[] => (value >= low && value <= high ? [] : [rangeError(low, high)]);
export const portNumberErrors = (port: number): readonly string[] => rangeErrors(port, 1, 65535);
/** User and group ids of containers. */
export const userIdErrors = (id: number): readonly string[] => rangeErrors(id, 0, 2 ** 31 - 1);

/** Names as parts of URL paths. */
export const pathSegmentNameErrors: Check = (value) =>
  value === "." || value === ".." ? [`may not be '${value}'`] : ["/", "%"].filter((part) => value.includes(part)).map((part) => `may not contain '${part}'`);

/** A generateName, checked as if it were a name: what follows a trailing dash will be a letter or digit. */
export const asNamePrefix = (check: Check): Check => (value) => check(value.endsWith("-") && value.length > 1 ? `${value.slice(0, -1)}a` : value);

const invalidEach = (field: string, value: string, texts: readonly string[]): FieldError[] => texts.map((text) => invalid(field, value, text));

export function fullyQualifiedNameErrors(field: string, name: string): FieldError[] {
  if (name === "") return [required(field)];
  const errors = dns1123SubdomainErrors(name);
  if (errors.length > 0) return [invalid(field, name, errors.join(","))];
  return name.split(".").length < 3 ? [invalid(field, name, "should be a domain with at least three segments separated by dots")] : [];
}

export function fullyQualifiedDomainNameErrors(field: string, name: string): FieldError[] {
  if (name === "") return [required(field)];
  const domain = name.endsWith(".") ? name.slice(0, -1) : name;
  const errors = dns1123SubdomainErrors(domain);
  if (errors.length > 0) return [invalid(field, domain, errors.join(","))];
  const labels = domain.split(".");
  if (labels.length < 2) return [invalid(field, domain, "should be a domain with at least two segments separated by dots")];
  const wrong = labels.find((label) => dns1123LabelErrors(label).length > 0);
  return wrong === undefined ? [] : [invalid(field, wrong, dns1123LabelErrors(wrong).join(","))];
}

const httpPathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const httpPathExpression = whole(httpPathPattern);
/** "acme.io/foo" */
export function domainPrefixedPathErrors(field: string, value: string): FieldError[] {
  if (value === "") return [required(field)];
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1) return [invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const [host, path] = [value.slice(0, slash), value.slice(slash + 1)];
  return [
    ...invalidEach(field, host, dns1123SubdomainErrors(host)),
    ...(httpPathExpression.test(path) ? [] : [invalid(field, path, regexError("Invalid path", httpPathPattern))]),
  ];
}
export function domainPrefixedKeyErrors(field: string, key: string): FieldError[] {
  if (key === "") return [required(field)];
  const errors = invalidEach(field, key, labelKeyErrors(key));
  return errors.length > 0 || key.includes("/") ? errors : [invalid(field, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}

/** An address as new fields want it: strict and canonical. */
export function ipErrors(field: string, value: string): FieldError[] {
  const errors = legacyIpErrors(field, value);
  const ip = parseIp(value);
  const canonical = ip && formatIp(ip);
  return errors.length > 0 || canonical === value ? errors : [invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}
/**
 * An address as older fields want it: not in canonical form, but (since 1.36, where StrictIPCIDRValidation is on by default) without leading zeros and
 * not an IPv4 address in the clothes of IPv6. What was stored before stays: callers let pass what was there.
 */
export function legacyIpErrors(field: string, value: string): FieldError[] {
  if (!parseIpSloppy(value)) return [invalid(field, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  const ip = parseIp(value);
  if (!ip) return [invalid(field, value, "must not have leading 0s")];
  return isIpv4Mapped(ip) ? [invalid(field, value, "must not be an IPv4-mapped IPv6 address")] : [];
}

export function cidrErrors(field: string, value: string): FieldError[] {
  const errors = legacyCidrErrors(field, value);
  const cidr = parseCidr(value);
  const canonical = cidr && formatCidr(masked(cidr));
  return errors.length > 0 || canonical === value ? errors : [invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}
/** As `legacyIpErrors`, for a range: the address is that of the network. */
export function legacyCidrErrors(field: string, value: string): FieldError[] {
  if (!parseCidrSloppy(value)) return [invalid(field, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
  const cidr = parseCidr(value);
  if (!cidr) return [invalid(field, value, "must not have leading 0s in IP or prefix length")];
  if (isIpv4Mapped(cidr.ip)) return [invalid(field, value, "must not have an IPv4-mapped IPv6 address")];
  return masked(cidr).ip.value === cidr.ip.value ? [] : [invalid(field, value, "must not have bits set beyond the prefix length")];
}

/** The address of an interface with the length of its network's prefix, in the one form that is written so. */
export function interfaceAddressErrors(field: string, value: string): FieldError[] {
  const parsed = parseCidrSloppy(value);
  if (!parsed) return [invalid(field, value, "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)")];
  const ip = unmapped(parsed.ip);
  const canonical = formatCidr({ ip, prefix: ip.family === 4 && parsed.prefix > 32 ? parsed.prefix - 96 : parsed.prefix });
  return canonical === value ? [] : [invalid(field, value, `must be in canonical form (${JSON.stringify(canonical)})`)];
}

/** What the API warns of in an address that it accepts. */
export function ipWarnings(field: string, value = ""): string[] {
  const sloppy = parseIpSloppy(value);
  if (!sloppy) return [];
  const strict = parseIp(value);
  if (!strict || isIpv4Mapped(strict)) return [`${field}: non-standard IP address ${JSON.stringify(value)} is invalid: use ${JSON.stringify(formatIp(unmapped(sloppy)))}`];
  const canonical = formatIp(strict);
  return strict.family === 6 && canonical !== value ? [`${field}: IPv6 address ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(canonical)})`] : [];
}

/** As `ipWarnings`, for a range. */
export function cidrWarnings(field: string, value = ""): string[] {
  const sloppy = parseCidrSloppy(value);
  if (!sloppy) return [];
  const network = formatCidr(masked(sloppy));
  const warnings: string[] = [];
  if (masked(sloppy).ip.value !== sloppy.ip.value) {
    const single = `${formatIp(sloppy.ip)}/${bitsOf(sloppy.ip)}`;
    warnings.push(`${field}: CIDR value ${JSON.stringify(value)} is ambiguous in this context (should be ${JSON.stringify(network)} or ${JSON.stringify(single)}?)`);
  }
  const strict = parseCidr(value);
  if (!strict || isIpv4Mapped(strict.ip)) warnings.push(`${field}: non-standard CIDR value ${JSON.stringify(value)} is invalid: use ${JSON.stringify(network)}`);
  if (warnings.length > 0 || !strict || strict.ip.family !== 6 || formatCidr(strict) === value) return warnings;
  return [`${field}: IPv6 CIDR value ${JSON.stringify(value)} should be in RFC 5952 canonical format (${JSON.stringify(formatCidr(strict))})`];
}

/** All keys and values of annotations together may have this many bytes. */
const annotationsBytesMax = 256 * 1024;

export function labelsErrors(field: string, labels: Readonly<Record<string, string>> = {}): FieldError[] {
  return Object.entries(labels).flatMap(([key, value]) => [...invalidEach(field, key, labelKeyErrors(key)), ...invalidEach(field, value, labelValueErrors(value))]);
}

export function annotationsErrors(field: string, annotations: Readonly<Record<string, string>> = {}): FieldError[] {
  const entries = Object.entries(annotations);
  const errors = entries.flatMap(([key]) => invalidEach(field, key, labelKeyErrors(key.toLowerCase())));
  const bytes = entries.reduce((sum, [key, value]) => sum + utf8Length(key) + utf8Length(value), 0);
  return bytes > annotationsBytesMax ? [...errors, tooLong(field, annotationsBytesMax)] : errors;
}

interface LabelSelectorObject {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] }[];
}

export function labelSelectorErrors(field: string, selector: LabelSelectorObject | undefined, options: { readonly allowInvalidValues?: boolean } = {}): FieldError[] {
  if (!selector) return [];
  return [
    ...labelsErrors(`${field}.matchLabels`, selector.matchLabels),
    ...(selector.matchExpressions ?? []).flatMap(({ key = "", operator = "", values = [] }, index) => {
      const path = `${field}.matchExpressions[${index}]`;
      const errors: FieldError[] = [];
      if (operator === "In" || operator === "NotIn") {
        if (values.length === 0) errors.push(required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      } else if (operator === "Exists" || operator === "DoesNotExist") {
        if (values.length > 0) errors.push(forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      } else errors.push(invalid(`${path}.operator`, operator, "not a valid selector operator"));
      errors.push(...invalidEach(`${path}.key`, key, labelKeyErrors(key)));
      if (!options.allowInvalidValues) errors.push(...values.flatMap((value, at) => invalidEach(`${path}.values[${at}]`, value, labelValueErrors(value))));
      return errors;
    }),
  ];
}
