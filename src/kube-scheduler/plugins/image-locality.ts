import { scoreMax, type Plugin } from "../framework/plugin.ts";

const mebibyte = 1024 * 1024;
const bytesMin = 23 * mebibyte;
const bytesMaxPerContainer = 1000 * mebibyte;

const withTag = (image: string): string => (image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image);

/** Prefers nodes that hold the pod's images already, more so when many nodes hold them: a rare image would draw all pods to one node. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  weight: 1,
  scorer({ pod }, cluster) {
    const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
    const images = [...initContainers.map(({ image }) => image), ...containers.map(({ image }) => image), ...volumes.map(({ image }) => image?.reference)]
      .filter((image) => image !== undefined).map(withTag);
    const spread = images.map((image) => [image, cluster.nodesWithImage(image) / cluster.nodes.length] as const).filter(([, share]) => share > 0);
    if (spread.length === 0) return undefined;
    const bytesMax = bytesMaxPerContainer * (containers.length + initContainers.length);
    return {
      score(node) {
        const sum = spread.reduce((bytes, [image, share]) => bytes + Math.trunc((node.images.get(image) ?? 0) * share), 0);
        const bounded = Math.min(Math.max(sum, bytesMin), bytesMax);
        return Math.trunc((scoreMax * (bounded - bytesMin)) / (bytesMax - bytesMin));
      },
    };
  },
};
