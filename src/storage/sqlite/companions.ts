/** What SQLite and we keep beside a database, behind its name. */
export const companionSuffixes = ["-wal", "-wal-kept", "-shm", "-journal", "-mark"] as const;
