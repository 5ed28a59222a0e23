/** How a quantity was written, and is written again: 12e6, 12M or 12Mi. */
export type QuantityFormat = "DecimalExponent" | "DecimalSI" | "BinarySI";

/**
 * An exact amount: `unscaled` × 10^`scale`. It follows the rules of the field's "resource quantities": nothing smaller than one
 * billionth (rounded away from zero), canonical text with the largest suffix that needs no fraction.
 */
export interface Quantity {
  readonly unscaled: bigint;
  readonly scale: number;
  readonly format: QuantityFormat;
  /** The text that it was parsed from, where that is as good as canonical. */
  readonly text?: string;
}
export type QuantityLike = Quantity | string | number;

export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

const formatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixWrong = "unable to parse quantity's suffix";
const numericWrong = "unable to parse numeric part of quantity";

const nano = -9;
const int64Max = (1n << 63n) - 1n;
const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const decimalSuffixes: ReadonlyMap<number, string> = new Map(Object.entries(decimalExponents).map(([suffix, exponent]) => [exponent, suffix]));
const binarySuffixes = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
/** Numbers of up to this many digits go through upstream's quick path, which keeps the text as it was written. */
const quickDigitsMax = 18;
/** Exponents beyond this are treated as if they were this, so that no text makes a number of a billion digits. */
const exponentMax = 1_000_000;

const pow10 = (exponent: number): bigint => 10n ** BigInt(exponent);

interface Suffix { readonly base: 2 | 10; readonly exponent: number; readonly format: QuantityFormat }

function interpretSuffix(suffix: string): Suffix {
  const decimal = decimalExponents[suffix];
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: "DecimalSI" };
  const binary = binaryExponents[suffix];
  if (binary !== undefined) return { base: 2, exponent: binary, format: "BinarySI" };
  if (/^[eE][+-]?[0-9]+$/.test(suffix)) {
    const exponent = Math.max(-exponentMax, Math.min(exponentMax, Number(suffix.slice(1))));
    return { base: 10, exponent, format: "DecimalExponent" };
  }
  throw new QuantityError(suffixWrong);
}

/** A cluster knows few amounts and reads them over and over: those of its pods and nodes. */
const parsedMax = 4_096;
const parsed = new Map<string, Quantity>();

/** Throws `QuantityError` with upstream's text. */
export function parseQuantity(text: string): Quantity {
  let quantity = parsed.get(text);
  if (quantity) return quantity;
  quantity = parseAnew(text);
  if (text.length > quickDigitsMax) return quantity;
  if (parsed.size >= parsedMax) parsed.delete(parsed.keys().next().value ?? "");
  parsed.set(text, quantity);
  return quantity;
}

function parseAnew(text: string): Quantity {
  if (text === "0") return { unscaled: 0n, scale: 0, format: "DecimalSI", text };
  const match = /^([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (text === "" || !match) throw new QuantityError(formatWrong);
  const [, sign, whole = "", fraction = "", suffix = ""] = match;
  // A bare sign or zeros alone count as zero, whatever upstream's regular expression says.
  const digits = whole === "" ? "0" : whole;
  const { base, exponent, format } = interpretSuffix(suffix);
  const negative = sign === "-";
  const shifted = digits + fraction;

  if (shifted.length <= quickDigitsMax) {
    if (base === 10 && exponent - fraction.length >= nano) {
      const scale = exponent - fraction.length;
      const value = BigInt(shifted);
      const keep = scale % 3 === 0 && !shifted.endsWith("000") && !shifted.startsWith("0");
      return { unscaled: negative ? -value : value, scale, format, ...(keep && { text }) };
    }
    if (base === 2 && fraction === "" && 14 - digits.length - Math.trunc((exponent * 3) / 10) >= 0) {
      const value = BigInt(digits);
      const keep = (value & 7n) !== 0n;
      return { unscaled: (negative ? -value : value) << BigInt(exponent), scale: 0, format, ...(keep && { text }) };
    }
  }
  if (whole === "" && fraction === "" && text.replace(/^[+-]?0*/, "").startsWith(".")) throw new QuantityError(numericWrong);
  return exact({ digits: shifted, places: fraction.length, base, exponent, format, negative });
}

function exact({ digits, places, base, exponent, format, negative }: {
  readonly digits: string; readonly places: number; readonly base: 2 | 10; readonly exponent: number; readonly format: QuantityFormat; readonly negative: boolean;
}): Quantity {
  let unscaled = BigInt(digits);
  let scale = -places;
  if (base === 10) scale += exponent;
  else unscaled <<= BigInt(exponent);

  if (unscaled !== 0n && scale < nano) {
    unscaled = nano - scale > digits.length + 20 ? 1n : divideUp(unscaled, pow10(nano - scale));
    scale = nano;
  }
  let written = format;
  if (format === "BinarySI" && scale <= 0) {
    const one = pow10(-scale);
    if (unscaled > int64Max * one) [unscaled, scale] = [int64Max, 0];
    else if (unscaled !== 0n && unscaled < one) written = "DecimalSI";
  }
  return { unscaled: negative ? -unscaled : unscaled, scale, format: written };
}

/** Rounds away from zero. */
function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return quotient * by === value ? quotient : value > 0n ? quotient + 1n : quotient - 1n;
}

export const toQuantity = (like: QuantityLike): Quantity => (typeof like === "object" ? like : parseQuantity(typeof like === "number" ? numberText(like) : like));

/** A JSON number as the text that Go's decoder would see. */
const numberText = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(value).toString() : String(value));

export function isQuantity(text: string): boolean {
  try {
    parseQuantity(text);
    return true;
  } catch (error) {
    if (error instanceof QuantityError) return false;
    throw error;
  }
}

/** A whole number as a quantity. */
export const quantityOf = (value: bigint | number, format: QuantityFormat = "DecimalSI"): Quantity => ({ unscaled: BigInt(value), scale: 0, format });
/** Thousandths as a quantity: 1500 is "1500m". */
export const milliQuantityOf = (value: bigint | number, format: QuantityFormat = "DecimalSI"): Quantity => ({ unscaled: BigInt(value), scale: -3, format });

/** The amount in units of 10^`scale`, rounded away from zero. */
export function scaledValue(like: QuantityLike, scale: number): bigint {
  const quantity = toQuantity(like);
  const difference = quantity.scale - scale;
  return difference >= 0 ? quantity.unscaled * pow10(Math.min(difference, 400)) : divideUp(quantity.unscaled, pow10(Math.min(-difference, exponentMax)));
}
/** The whole number that covers the amount. Beyond 2^53 it is the nearest that a number can hold. */
export const quantityValue = (like: QuantityLike): number => Number(scaledValue(like, 0));
/** Thousandths, as CPU is counted. */
export const quantityMilliValue = (like: QuantityLike): number => Number(scaledValue(like, -3));
/** May lose precision. */
export function quantityFloat(like: QuantityLike): number {
  const { unscaled, scale } = toQuantity(like);
  return Number(`${unscaled}e${scale}`);
}

export const isZeroQuantity = (like: QuantityLike): boolean => toQuantity(like).unscaled === 0n;

/** Both amounts in the finer of the two scales. */
function aligned(a: Quantity, b: Quantity): { readonly left: bigint; readonly right: bigint; readonly scale: number } {
  const scale = Math.min(a.scale, b.scale);
  return { left: a.unscaled * pow10(a.scale - scale), right: b.unscaled * pow10(b.scale - scale), scale };
}

const signOf = (value: bigint): number => (value === 0n ? 0 : value > 0n ? 1 : -1);
const magnitudeOf = ({ unscaled, scale }: Quantity): number => (unscaled < 0n ? -unscaled : unscaled).toString().length + scale;

/** Below zero when `a` is smaller. */
export function compareQuantities(a: QuantityLike, b: QuantityLike): number {
  const [left, right] = [toQuantity(a), toQuantity(b)];
  const [leftSign, rightSign] = [signOf(left.unscaled), signOf(right.unscaled)];
  if (leftSign !== rightSign || leftSign === 0) return Math.sign(leftSign - rightSign);
  if (left.scale !== right.scale) {
    const difference = magnitudeOf(left) - magnitudeOf(right);
    if (difference !== 0) return Math.sign(difference) * leftSign;
  }
  const pair = aligned(left, right);
  return signOf(pair.left - pair.right);
}
export const equalQuantities = (a: QuantityLike, b: QuantityLike): boolean => compareQuantities(a, b) === 0;

/** The format of the first is kept, unless it is zero. */
export function addQuantities(a: QuantityLike, b: QuantityLike): Quantity {
  const [left, right] = [toQuantity(a), toQuantity(b)];
  if (right.unscaled === 0n) return left.unscaled === 0n ? { unscaled: 0n, scale: 0, format: right.format } : left;
  if (left.unscaled === 0n) return { unscaled: right.unscaled, scale: right.scale, format: right.format };
  const pair = aligned(left, right);
  return { unscaled: pair.left + pair.right, scale: pair.scale, format: left.format };
}
export const negateQuantity = (like: QuantityLike): Quantity => {
  const { unscaled, scale, format } = toQuantity(like);
  return { unscaled: -unscaled, scale, format };
};
export const subtractQuantities = (a: QuantityLike, b: QuantityLike): Quantity => addQuantities(a, negateQuantity(b));
export function multiplyQuantity(like: QuantityLike, factor: bigint | number): Quantity {
  const { unscaled, scale, format } = toQuantity(like);
  return { unscaled: unscaled * BigInt(factor), scale, format };
}
export const maxQuantity = (a: QuantityLike, b: QuantityLike): Quantity => (compareQuantities(a, b) >= 0 ? toQuantity(a) : toQuantity(b));
export const minQuantity = (a: QuantityLike, b: QuantityLike): Quantity => (compareQuantities(a, b) <= 0 ? toQuantity(a) : toQuantity(b));

/** Rounds away from zero to units of 10^`scale`. */
export function roundUpQuantity(like: QuantityLike, scale: number): Quantity {
  const quantity = toQuantity(like);
  return quantity.scale >= scale ? quantity : { unscaled: scaledValue(quantity, scale), scale, format: quantity.format };
}

/** The text of the wire: what it was parsed from where that is canonical, else the canonical form. */
export function formatQuantity(like: QuantityLike): string {
  const quantity = toQuantity(like);
  return quantity.text ?? canonical(quantity);
}

function canonical(quantity: Quantity): string {
  const { unscaled, scale, format } = quantity;
  if (unscaled === 0n) return "0";
  if (format === "BinarySI") {
    const small = compareQuantities(quantity, { unscaled: 1024n, scale: 0, format }) < 0 && compareQuantities(quantity, { unscaled: -1024n, scale: 0, format }) > 0;
    if (!small && (scale >= 0 || unscaled % pow10(-scale) === 0n)) return canonicalBinary(scaledValue(quantity, 0));
    return canonicalDecimal(unscaled, scale, "DecimalSI");
  }
  return canonicalDecimal(unscaled, scale, format);
}

function canonicalBinary(value: bigint): string {
  let [amount, times] = [value, 0];
  while (times < binarySuffixes.length - 1 && amount % 1024n === 0n) [amount, times] = [amount / 1024n, times + 1];
  return `${amount}${binarySuffixes[times]}`;
}

function canonicalDecimal(unscaled: bigint, scale: number, format: "DecimalSI" | "DecimalExponent"): string {
  let [amount, exponent] = [unscaled, scale];
  while (amount % 10n === 0n) [amount, exponent] = [amount / 10n, exponent + 1];
  const largest = format === "DecimalSI" ? Math.min(exponent, 18) : exponent;
  const target = Math.floor(largest / 3) * 3;
  if (target < exponent) [amount, exponent] = [amount * pow10(Math.min(exponent - target, exponentMax)), target];
  if (format === "DecimalExponent") return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  return `${amount}${decimalSuffixes.get(exponent) ?? ""}`;
}

/** The canonical text of a text; throws `QuantityError`. Like the API server, it leaves alone what is as good as canonical. */
export const canonicalQuantity = (like: string | number): string => formatQuantity(like);
