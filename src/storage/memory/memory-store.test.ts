import { storeSuite } from "../suite.ts";
import { MemoryStore } from "./memory-store.ts";

storeSuite("memory", async ({ backlogMax }) => new MemoryStore({ backlogMax }));
