/** What SQLite and we keep beside a database, behind its name. */
export const companionSuffixes = ["-wal", "-shm", "-journal", "-mark"] as const;
