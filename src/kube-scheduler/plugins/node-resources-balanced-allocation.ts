import { scoreMax, type Plugin } from "../framework/plugin.ts";

/** How evenly CPU and memory are used, 100 when alike: 100 minus the standard deviation of the two shares. */
function balance(cpu: number, cpuCapacity: number, memory: number, memoryCapacity: number): number {
  if (cpuCapacity === 0 || memoryCapacity === 0) return scoreMax;
  const deviation = Math.abs((Math.min(1, cpu / cpuCapacity) - Math.min(1, memory / memoryCapacity)) / 2);
  return Math.trunc((1 - deviation) * scoreMax);
}

/** Prefers nodes whose use of CPU and memory the pod makes more even. */
export const nodeResourcesBalancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  scorer({ requests: { cpu = 0, memory = 0 } }) {
    if (cpu === 0 && memory === 0) return undefined;
    return {
      score({ allocatable, requested }) {
        const [cpuCapacity, memoryCapacity] = [allocatable["cpu"] ?? 0, allocatable["memory"] ?? 0];
        const [cpuUsed, memoryUsed] = [requested["cpu"] ?? 0, requested["memory"] ?? 0];
        const [after, before] = [balance(cpuUsed + cpu, cpuCapacity, memoryUsed + memory, memoryCapacity), balance(cpuUsed, cpuCapacity, memoryUsed, memoryCapacity)];
        return scoreMax / 2 + Math.trunc((scoreMax / 2 + after - before) / 2);
      },
    };
  },
};
