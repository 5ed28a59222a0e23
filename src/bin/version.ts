import { keelsonVersion, kubernetesVersion } from "../stdx/version.ts";
import type { Command } from "./commands.ts";

export const version: Command = async () => {
  console.log(`keelson ${keelsonVersion}, Kubernetes ${kubernetesVersion}, Node ${process.version}`);
  return 0;
};
