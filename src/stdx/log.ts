export type Fields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** A log whose lines carry these fields too. */
  with(fields: Fields): Log;
}

export type Level = "debug" | "info" | "warn" | "error";
const order: readonly Level[] = ["debug", "info", "warn", "error"];

const plain = (value: unknown): unknown =>
  value instanceof Error
    ? { name: value.name, message: value.message, stack: value.stack, ...(value.cause !== undefined && { cause: plain(value.cause) }) }
    : typeof value === "bigint" ? value.toString() : value;

/** One JSON line per message; `write` gets it with its newline. */
export function jsonLog(options: { readonly level: Level; readonly now: () => number; readonly write: (line: string) => void; readonly fields?: Fields }): Log {
  const { level, now, write, fields: base = {} } = options;
  const at = (own: Level) => (message: string, fields: Fields = {}) => {
    if (order.indexOf(own) < order.indexOf(level)) return;
    write(`${JSON.stringify({ time: new Date(now()).toISOString(), level: own, message, ...base, ...fields }, (_, value: unknown) => plain(value))}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), with: (fields) => jsonLog({ ...options, fields: { ...base, ...fields } }) };
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silentLog };
