import { dns1035LabelErrors, dns1123LabelErrors, dns1123SubdomainErrors, pathSegmentNameErrors } from "../apimachinery/validation.ts";

/** Rules for the names of objects. With `prefix` the name is a generateName: a dash at its end is fine, because something follows. */
export type NameRule = (name: string, options: { readonly prefix: boolean }) => readonly string[];

/** What follows a trailing dash makes it an inner one. The character before it is dropped with it, as upstream has it. */
const masked = (name: string, prefix: boolean): string => (prefix && name.length > 1 && name.endsWith("-") ? `${name.slice(0, -2)}a` : name);

export const dnsSubdomainName: NameRule = (name, { prefix }) => dns1123SubdomainErrors(masked(name, prefix));
export const dnsLabelName: NameRule = (name, { prefix }) => dns1123LabelErrors(masked(name, prefix));
export const dns1035LabelName: NameRule = (name, { prefix }) => dns1035LabelErrors(masked(name, prefix));
/** Names that may become part of a path: not "." or "..", no slash, no percent sign. RBAC roles are named like this. */
export const pathSegmentName: NameRule = (name, { prefix }) => (prefix && (name === "." || name === "..") ? [] : pathSegmentNameErrors(name));
