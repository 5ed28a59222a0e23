import { Turns } from "../stdx/turns.ts";

/** Queues and caches of this process share the thread. */
export const ownTurns = new Turns();
