import { EtcdClient, type EtcdClientOptions } from "./client.ts";
import { endOf, KeySpace } from "./key-space.ts";

/**
 * Deletes everything of one cluster from etcd, in one write, and says how many keys that were. Other clusters' keys stay, and so does history until
 * somebody compacts it.
 * @throws {UnavailableError} when no member answers.
 */
export async function removeAll({ prefix, ...options }: EtcdClientOptions & { readonly prefix?: string }): Promise<number> {
  const start = new KeySpace(prefix).encodePrefix("/registry/");
  using client = new EtcdClient(options);
  const { deleted } = await client.call("DeleteRange", { key: start, rangeEnd: endOf(start) });
  return deleted;
}
