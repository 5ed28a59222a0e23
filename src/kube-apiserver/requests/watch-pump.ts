import type { Answer, StreamSink } from "../answer.ts";
import type { Api } from "../api.ts";
import { drained } from "./bit-by-bit.ts";
import { bookmarkObject } from "../bookmark.ts";
import type { Outlet } from "./outlet.ts";
import { eventEncoder } from "../output/encode.ts";
import { encodeOptions } from "../output/respond.ts";
import type { Authorized } from "./request.ts";
import { scopeOf } from "./request-labels.ts";

/** So much lies ready for a reader that takes the state at the start of a watch. */
const unsentBytesMax = 1024 * 1024;
/** How far a reader of a watch may fall behind before it is cut off. */
const backlogBytesMax = 16 * 1024 * 1024;

export interface PumpOptions {
  readonly outlet: Outlet;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The server stops. */
  readonly stopping: AbortSignal;
}

/** Sends the events of a watch, in the form that was asked for. @throws {StatusError} NotAcceptable */
export function pumpWatch(api: Api, request: Authorized, answer: Extract<Answer, { is: "watch" }>, { headers, ...options }: PumpOptions): void {
  const { type } = answer.served;
  const encoder = eventEncoder(answer.served, encodeOptions(api, request, { table: true, partial: true }), () => api.clock.now());
  const where = { group: type.group, version: type.version, resource: type.plural, scope: scopeOf(request.info) };
  pump({ ...options, headers: { ...headers, "content-type": encoder.contentType } }, (sink) => {
    const watching = answer.start({
      event: (kind, entry) => sink.write(encoder.event(kind, entry)),
      bookmark: (revision, initialEventsEnd) => sink.write(encoder.plain("BOOKMARK", bookmarkObject(type, revision, initialEventsEnd))),
      error: (object) => void sink.write(encoder.plain("ERROR", object)),
      end: () => sink.end(),
      ...(sink.drained && { drained: sink.drained }), ...(sink.hold && { hold: sink.hold }), ...(sink.release && { release: sink.release }),
    });
    api.metrics.watching(where, 1);
    return {
      [Symbol.dispose]: () => {
        watching[Symbol.dispose]();
        api.metrics.watching(where, -1);
      },
    };
  });
}

/** Sends what comes until the reader goes, falls too far behind, or the server stops. */
export function pump({ outlet, headers, stopping }: PumpOptions, start: (sink: StreamSink) => Disposable): void {
  const writable = outlet.begin(200, headers);
  let initial = true;
  const source = start({
    write: (bytes) => {
      if (writable.destroyed || writable.writableEnded) return false;
      writable.write(bytes);
      // However large the state at the start is, it is not the reader's fault.
      return initial || writable.writableLength <= backlogBytesMax;
    },
    end: () => void (writable.destroyed || writable.end()),
    drained: () => (writable.destroyed || writable.writableLength <= unsentBytesMax ? undefined : drained(writable)),
    hold: () => writable.cork(),
    release: () => writable.uncork(),
  });
  initial = false;
  const stop = () => {
    outlet.closed.removeEventListener("abort", stop);
    stopping.removeEventListener("abort", stop);
    source[Symbol.dispose]();
    if (!writable.destroyed) writable.end();
  };
  if (outlet.closed.aborted || stopping.aborted) return stop();
  outlet.closed.addEventListener("abort", stop, { once: true });
  stopping.addEventListener("abort", stop, { once: true });
}
