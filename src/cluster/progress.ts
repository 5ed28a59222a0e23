import { styleText } from "node:util";

/** Where the story of a command is told: one line per step, with how long it took. */
export interface Progress {
  /** Shows `title` while `work` runs, then as a finished line. The work may improve the line with what it found out. */
  step<T>(title: string, work: (note: (detail: string) => void) => Promise<T>): Promise<T>;
  line(text: string): void;
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const frameMs = 80;

export const seconds = (durationMs: number): string => `${(durationMs / 1000).toFixed(2)}s`;

/** Steps may run side by side: on a terminal the spinner shows the one that was started last. */
export function terminalProgress(options: {
  readonly stream: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly now: () => number;
  readonly every: (ms: number, callback: () => void) => Disposable;
}): Progress {
  const { stream, now } = options;
  const running = new Map<symbol, string>();
  let frame = 0;
  let ticker: Disposable | undefined;

  const clear = () => stream.isTTY === true && stream.write("\r\u001b[K");
  const draw = () => {
    const title = [...running.values()].at(-1);
    if (stream.isTTY === true && title !== undefined) stream.write(`\r\u001b[K ${styleText("cyan", frames[frame++ % frames.length] ?? "")} ${title}`);
  };
  const print = (text: string) => {
    clear();
    stream.write(`${text}\n`);
    draw();
  };

  return {
    line: print,
    async step(title, work) {
      const id = Symbol(title);
      let shown = title;
      const startMs = now();
      running.set(id, title);
      if (stream.isTTY === true) ticker ??= options.every(frameMs, draw);
      draw();
      try {
        const result = await work((detail) => (shown = `${title}: ${detail}`));
        running.delete(id);
        print(` ${styleText("green", "✓")} ${shown} ${styleText("dim", `(${seconds(now() - startMs)})`)}`);
        return result;
      } catch (error) {
        running.delete(id);
        print(` ${styleText("red", "✗")} ${shown} ${styleText("dim", `(${seconds(now() - startMs)})`)}`);
        throw error;
      } finally {
        if (running.size === 0) {
          ticker?.[Symbol.dispose]();
          ticker = undefined;
        }
      }
    },
  };
}
