import { stringify } from "yaml";

/** As clients of Kubernetes expect it: YAML 1.1, long lines whole. */
export const stringifyYaml = (value: unknown): string => stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false, sortMapEntries: true });
