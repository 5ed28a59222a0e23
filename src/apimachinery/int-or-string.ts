/** A port by number or name, or an amount that is absolute or a percentage. In JSON it is a number or a text. */
export type IntOrString = number | string;

export class IntOrStringError extends Error {
  override readonly name = "IntOrStringError";
}

const int32Max = 2 ** 31 - 1;

/** Text that is a whole number of 32 bits becomes one; other text stays. */
export function parseIntOrString(text: string): IntOrString {
  if (!/^[+-]?[0-9]+$/.test(text)) return text;
  const value = Number(text);
  return value > int32Max || value < -int32Max - 1 ? text : value;
}

export const isPercent = (value: IntOrString): value is string => typeof value === "string" && /^[0-9]+%$/.test(value);

/**
 * An absolute number as it is; "30%" as that share of the total, rounded up or down. Throws `IntOrStringError` with upstream's text for
 * other text.
 */
export function scaledIntOrPercent(value: IntOrString, total: number, roundUp: boolean): number {
  if (typeof value === "number") return value;
  if (!value.endsWith("%")) throw new IntOrStringError("invalid value for IntOrString: invalid type: string is not a percentage");
  const digits = value.slice(0, -1);
  if (!/^[+-]?[0-9]+$/.test(digits)) {
    throw new IntOrStringError(`invalid value for IntOrString: invalid value ${JSON.stringify(value)}: strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`);
  }
  const share = (Number(digits) * total) / 100;
  return roundUp ? Math.ceil(share) : Math.floor(share);
}
