/**
 * Times are milliseconds since the epoch (with a fraction where microseconds count); on the wire `Time` has whole seconds,
 * `MicroTime` six digits behind them. Durations are Go's: "1h15m30.5s".
 */
export class TimeError extends Error {
  override readonly name = "TimeError";
}

const rfc3339 = "2006-01-02T15:04:05Z07:00";
const rfc3339Micro = "2006-01-02T15:04:05.000000Z07:00";

const pad = (value: number, length: number): string => String(value).padStart(length, "0");

/** "2026-11-21T07:34:15Z": the text of a `Time`; what is below a second is dropped. */
export function formatTime(timeMs: number): string {
  return `${new Date(Math.floor(timeMs / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}

/** "2026-11-21T07:34:15.123456Z": the text of a `MicroTime`. */
export function formatMicroTime(timeMs: number): string {
  const micros = Math.round(timeMs * 1000);
  const seconds = Math.floor(micros / 1_000_000);
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${pad(micros - seconds * 1_000_000, 6)}Z`;
}

const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate();

/** Reads a time the way Go's time.Parse does, and fails in its words. */
function parse(text: string, layout: string): number {
  const quoted = JSON.stringify(text);
  let rest = text;
  let [fractionMs, offsetMinutes] = [0, 0];
  const fail = (element: string): never => {
    throw new TimeError(`parsing time ${quoted} as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`);
  };
  const outOfRange = (what: string): never => {
    throw new TimeError(`parsing time ${quoted}: ${what} out of range`);
  };
  const digits = (count: number, element: string): number => {
    const part = rest.slice(0, count);
    if (part.length < count || !/^[0-9]+$/.test(part)) return fail(element);
    rest = rest.slice(count);
    return Number(part);
  };
  const literal = (expected: string): void => {
    if (!rest.startsWith(expected)) fail(expected);
    rest = rest.slice(expected.length);
  };

  const year = digits(4, "2006");
  literal("-");
  const month = digits(2, "01");
  if (month < 1 || month > 12) outOfRange("month");
  literal("-");
  const day = digits(2, "02");
  literal("T");
  const hour = digits(2, "15");
  if (hour > 23) outOfRange("hour");
  literal(":");
  const minute = digits(2, "04");
  if (minute > 59) outOfRange("minute");
  literal(":");
  const second = digits(2, "05");
  if (second > 59) outOfRange("second");
  const fraction = /^[.,][0-9]+/.exec(rest)?.[0] ?? "";
  if (layout === rfc3339Micro && fraction.length !== 7) fail(".000000");
  if (fraction !== "") {
    fractionMs = Number(`0.${fraction.slice(1, 10)}`) * 1000;
    rest = rest.slice(fraction.length);
  }
  if (rest.startsWith("Z")) rest = rest.slice(1);
  else {
    const zone = /^([+-])([0-9]{2}):([0-9]{2})/.exec(rest);
    if (!zone) return fail("Z07:00");
    const [whole, sign, hours, minutes] = zone;
    if (Number(hours) > 24) outOfRange("time zone offset hour");
    if (Number(minutes) > 60) outOfRange("time zone offset minute");
    offsetMinutes = (Number(hours) * 60 + Number(minutes)) * (sign === "-" ? -1 : 1);
    rest = rest.slice(whole.length);
  }
  if (rest !== "") throw new TimeError(`parsing time ${quoted}: extra text: ${JSON.stringify(rest)}`);
  if (day < 1 || day > daysIn(year, month)) outOfRange("day");
  const base = new Date(0);
  base.setUTCFullYear(year, month - 1, day);
  return base.getTime() + ((hour * 60 + minute - offsetMinutes) * 60 + second) * 1000 + fractionMs;
}

/** Milliseconds of an RFC 3339 text. Throws `TimeError` with the text of Go's parser. */
export const parseTime = (text: string): number => parse(text, rfc3339);
/** As `parseTime`, but six digits of fraction are required. */
export const parseMicroTime = (text: string): number => parse(text, rfc3339Micro);

/** Milliseconds of a time of the API, or undefined for one that is absent or unreadable. */
export function timeMs(text: string | null | undefined): number | undefined {
  const value = text === null || text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

const nanosOf: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1_000n, "µs": 1_000n, "μs": 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n,
};
const int64Max = (1n << 63n) - 1n;

/** Nanoseconds of a Go duration. Throws `TimeError` with the text of Go's parser. */
export function parseDuration(text: string): bigint {
  const quoted = JSON.stringify(text);
  const invalid = () => new TimeError(`time: invalid duration ${quoted}`);
  const negative = text.startsWith("-");
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === "0") return 0n;
  if (rest === "") throw invalid();
  let total = 0n;
  while (rest !== "") {
    const number = /^([0-9]*)(?:\.([0-9]*))?/.exec(rest);
    const [whole = "", integer = "", fraction = ""] = number ?? [];
    if (integer === "" && fraction === "") throw invalid();
    rest = rest.slice(whole.length);
    const unit = /^[^0-9.]*/.exec(rest)?.[0] ?? "";
    if (unit === "") throw new TimeError(`time: missing unit in duration ${quoted}`);
    const nanos = nanosOf[unit];
    if (nanos === undefined) throw new TimeError(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    rest = rest.slice(unit.length);
    total += BigInt(integer === "" ? 0 : integer) * nanos;
    if (fraction !== "") total += (BigInt(fraction) * nanos) / 10n ** BigInt(fraction.length);
    if (total > int64Max + (negative ? 1n : 0n)) throw invalid();
  }
  return negative ? -total : total;
}
export const parseDurationMs = (text: string): number => Number(parseDuration(text)) / 1e6;

const withFraction = (value: bigint, unit: bigint): string => {
  const digits = unit.toString().length - 1;
  const fraction = (value % unit).toString().padStart(digits, "0").replace(/0+$/, "");
  return `${value / unit}${fraction === "" ? "" : `.${fraction}`}`;
};

/** A Go duration as its String() prints it: "1h0m0s", "1.5s", "300ms", "0s". */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return "0s";
  if (nanos < 0n) return `-${formatDuration(-nanos)}`;
  if (nanos < 1_000n) return `${nanos}ns`;
  if (nanos < 1_000_000n) return `${withFraction(nanos, 1_000n)}µs`;
  if (nanos < 1_000_000_000n) return `${withFraction(nanos, 1_000_000n)}ms`;
  const seconds = nanos / 1_000_000_000n;
  const [hours, minutes] = [seconds / 3600n, (seconds / 60n) % 60n];
  const rest = `${withFraction(nanos % 60_000_000_000n, 1_000_000_000n)}s`;
  return hours > 0n ? `${hours}h${minutes}m${rest}` : minutes > 0n ? `${minutes}m${rest}` : rest;
}
export const formatDurationMs = (durationMs: number): string => formatDuration(BigInt(Math.round(durationMs * 1e6)));
