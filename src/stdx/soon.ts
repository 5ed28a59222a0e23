/**
 * What is there already, or will be. Most requests find all that they need in memory: for those no promise is made and no turn of the queue of
 * promises taken, which would cost more than answering them.
 */
export type Soon<T> = T | Promise<T>;

/** Goes on with the value: at once when it is there. What `use` throws is thrown at once then, and rejects the result otherwise. */
export const whenThere = <T, U>(value: Soon<T>, use: (value: T) => Soon<U>): Soon<U> => (value instanceof Promise ? value.then(use) : use(value));
