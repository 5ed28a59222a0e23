import { open } from "node:fs/promises";

/** A line of the CRI log format: "2026-01-01T00:00:00.000000000Z stdout F text". `partial` lines go on in the next one. */
export interface LogLine {
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  readonly partial: boolean;
  readonly text: string;
}

export function parseLogLine(line: string): LogLine | undefined {
  const match = /^(\S+) (stdout|stderr) ([FP])(?::\S*)? ?([\s\S]*)$/.exec(line);
  if (!match) return undefined;
  const [, time = "", stream, tag, text = ""] = match;
  return { time, stream: stream === "stderr" ? "stderr" : "stdout", partial: tag === "P", text };
}

/** The end of a log as plain text, bounded in lines and bytes; empty where there is no log. */
export async function lastLogLines(path: string, options: { readonly linesMax: number; readonly bytesMax: number }): Promise<string> {
  const { linesMax, bytesMax } = options;
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const window = Math.min(size, (bytesMax + linesMax * 64) * 2); // Every line carries a time and tags of some 50 bytes.
    const buffer = Buffer.alloc(window);
    await file.read(buffer, 0, window, size - window);
    const lines = buffer.toString().split("\n").flatMap((line) => parseLogLine(line) ?? []);
    const text = lines.slice(-linesMax).map((line) => (line.partial ? line.text : `${line.text}\n`)).join("");
    return Buffer.from(text).subarray(-bytesMax).toString();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    return `Error on reading termination message from logs: ${String(error)}`;
  }
}
