import type { Duplex } from "node:stream";

/**
 * Carries bytes both ways between two connections until both have closed. The end of one half is handed on as the end of the other's half; a
 * connection that has gone, by an error or not, takes the other one with it once what was read so far has been written. A slow reader slows the other
 * side down: at most the streams' own buffers lie between.
 */
export function joinStreams(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    for (const [from, to] of [[a, b], [b, a]] as const) {
      // Not pipe(): it loses what a connection still has in its buffer when its peer resets it right behind the last byte.
      from.on("data", (chunk: Buffer) => {
        if (!to.writable) return;
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => from.resume());
      from.on("end", () => void (to.writable && to.end()));
      from.on("error", () => {}); // `close` follows.
      const closed = () => {
        if (!to.destroyed) to.end(() => to.destroy());
        // Whoever waits for this side to drain waits in vain, and what it sends is for nobody.
        to.resume();
        if (--open === 0) resolve();
      };
      if (from.closed) closed();
      else from.once("close", closed);
    }
  });
}
