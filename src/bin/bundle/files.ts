/** The names of what is in a bundle: what starts it, everything else, and what the store's thread runs, which has to be a file of its own. */
export const entryFile = "keelson.js";
export const programFile = "program.js";
/** As the store asks for it: the worker beside the module that starts it. */
export const workerFile = "worker.js";
