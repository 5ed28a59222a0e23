const realTime = [
  ...Array.from({ length: 15 }, (_, index) => `SIGRTMIN+${index + 1}`), ...Array.from({ length: 14 }, (_, index) => `SIGRTMAX-${index + 1}`),
];

/** The signals by which a container may ask to be stopped, per operating system. */
export const stopSignals: Readonly<Record<"linux" | "windows", readonly string[]>> = {
  windows: ["SIGKILL", "SIGTERM"],
  linux: [
    "SIGABRT", "SIGALRM", "SIGBUS", "SIGCHLD", "SIGCLD", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPOLL",
    "SIGPROF", "SIGPWR", "SIGQUIT", "SIGSEGV", "SIGSTKFLT", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGUSR1",
    "SIGUSR2", "SIGVTALRM", "SIGWINCH", "SIGXCPU", "SIGXFSZ", "SIGRTMIN", "SIGRTMAX", ...realTime,
  ].toSorted(),
};
