/**
 * The CNI configuration list of a node: the reference plugins, with one bridge per node and addresses out of the node's pod range. Addresses are not
 * masqueraded here: pods see each other's own addresses across nodes, and whoever carries packets to the world (the machine's own table) translates there.
 */
export function cniConfig(options: { readonly podCidr: string; readonly dataDir: string; readonly mtu?: number }): object {
  const { podCidr, dataDir, mtu } = options;
  return {
    cniVersion: "0.4.0",
    name: "keelson",
    plugins: [
      {
        type: "bridge", bridge: "cni0", isGateway: true, isDefaultGateway: true, hairpinMode: true, ipMasq: false, ...(mtu !== undefined && { mtu }),
        ipam: { type: "host-local", ranges: [[{ subnet: podCidr }]], dataDir },
      },
      { type: "portmap", capabilities: { portMappings: true }, snat: true },
    ],
  };
}
