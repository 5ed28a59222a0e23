import { systemClock } from "../stdx/clock.ts";
import { runKubectl } from "../kubectl/kubectl.ts";
import type { Command } from "./commands.ts";

/** `keelson kubectl …`, and what a link named kubectl runs. */
export const kubectl: Command = (args, signal) => {
  // A reader that has seen enough (`| head`) is no mistake.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  return runKubectl(args, { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, env: process.env, clock: systemClock, signal, name: "kubectl" });
};
