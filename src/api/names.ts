/**
 * Rules for the names of objects, in the words of upstream's `IsDNS1123Subdomain` and its kin. With `prefix` the name is a generateName:
 * a dash at its end is fine, because something follows.
 */
type NameRule = (name: string, options: { readonly prefix: boolean }) => readonly string[];

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const labelPattern = new RegExp(`^${label}$`);
const subdomainPattern = new RegExp(`^${subdomain}$`);
const label1035Pattern = new RegExp(`^${label1035}$`);
const labelCharactersMax = 63;
const subdomainCharactersMax = 253;

const tooManyCharacters = (max: number): string => `must be no more than ${max} characters`;
const masked = (name: string, prefix: boolean): string => (prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name);

export function dnsSubdomainProblems(value: string): readonly string[] {
  return [
    ...(value.length > subdomainCharactersMax ? [tooManyCharacters(subdomainCharactersMax)] : []),
    ...(subdomainPattern.test(value) ? [] : [
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
      + ` (e.g. 'example.com', regex used for validation is '${subdomain}')`,
    ]),
  ];
}

export function dnsLabelProblems(value: string): readonly string[] {
  const problems = value.length > labelCharactersMax ? [tooManyCharacters(labelCharactersMax)] : [];
  if (labelPattern.test(value)) return problems;
  return [...problems, subdomainPattern.test(value) ? "must not contain dots"
    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
      + ` (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`];
}

export function dns1035LabelProblems(value: string): readonly string[] {
  return [
    ...(value.length > labelCharactersMax ? [tooManyCharacters(labelCharactersMax)] : []),
    ...(label1035Pattern.test(value) ? [] : [
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
      + ` (e.g. 'my-name',  or 'abc-123', regex used for validation is '${label1035}')`,
    ]),
  ];
}

/** Names that may become part of a path: no dots alone, no slash, no percent sign. RBAC roles are named like this. */
export function pathSegmentProblems(name: string, prefix: boolean): readonly string[] {
  if (!prefix && (name === "." || name === "..")) return [`may not be '${name}'`];
  return [...name.includes("/") ? ["may not contain '/'"] : [], ...name.includes("%") ? ["may not contain '%'"] : []];
}

export const dnsSubdomainName: NameRule = (name, { prefix }) => dnsSubdomainProblems(masked(name, prefix));
export const dnsLabelName: NameRule = (name, { prefix }) => dnsLabelProblems(masked(name, prefix));
export const dns1035LabelName: NameRule = (name, { prefix }) => dns1035LabelProblems(masked(name, prefix));
export const pathSegmentName: NameRule = (name, { prefix }) => pathSegmentProblems(name, prefix);
