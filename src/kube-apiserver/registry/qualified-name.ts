import { utf8Length } from "../../stdx/bytes.ts";

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomainFormat = `${label}(\\.${label})*`;
const subdomain = new RegExp(`^${subdomainFormat}$`);
const labelKeyFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelKey = new RegExp(`^${labelKeyFormat}$`);
const labelValue = new RegExp(`^(${labelKeyFormat})?$`);
const partBytesMax = 63;
const subdomainBytesMax = 253;

const tooManyBytes = (max: number): string => `must be no more than ${max} bytes`;
const keyProblem =
  `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${labelKeyFormat}')`;

function subdomainProblems(text: string): readonly string[] {
  return [
    ...(text.length > subdomainBytesMax ? [tooManyBytes(subdomainBytesMax)] : []),
    ...(subdomain.test(text) ? [] : [
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
      + ` (e.g. 'example.com', regex used for validation is '${subdomainFormat}')`,
    ]),
  ];
}

/** What is wrong with a label key, an annotation key or a finalizer; most are right, and then this costs one test. */
export function qualifiedNameProblems(name: string): readonly string[] {
  if (name.length <= partBytesMax && labelKey.test(name)) return [];
  const parts = name.split("/");
  if (parts.length > 2) return [`a valid label key ${keyProblem} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  const [prefix, own] = parts.length === 2 ? [parts[0], parts[1] ?? ""] : [undefined, parts[0] ?? ""];
  return [
    ...(prefix === undefined ? [] : prefix === "" ? ["prefix part must be non-empty"] : subdomainProblems(prefix).map((problem) => `prefix part ${problem}`)),
    ...(own === "" ? ["name part must be non-empty"] : utf8Length(own) > partBytesMax ? [`name part ${tooManyBytes(partBytesMax)}`] : []),
    ...(labelKey.test(own) ? [] : [`name part ${keyProblem}`]),
  ];
}

export function labelValueProblems(value: string): readonly string[] {
  if (value.length <= partBytesMax && labelValue.test(value)) return [];
  return [
    ...(utf8Length(value) > partBytesMax ? [tooManyBytes(partBytesMax)] : []),
    ...(labelValue.test(value) ? [] : [
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
      + ` (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(${labelKeyFormat})?')`,
    ]),
  ];
}

export function dnsLabelProblems(name: string): readonly string[] {
  if (name.length <= partBytesMax && new RegExp(`^${label}$`).test(name)) return [];
  return [
    ...(name.length > partBytesMax ? [tooManyBytes(partBytesMax)] : []),
    ...(new RegExp(`^${label}$`).test(name) ? [] : subdomain.test(name) ? ["must not contain dots"] : [
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
      + ` (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
    ]),
  ];
}

/** The rule for the names of kinds that have no hand-written one. */
export const subdomainName = (name: string, { prefix }: { readonly prefix: boolean }): readonly string[] =>
  subdomainProblems(prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name);
