const stages = ["alpha", "beta", ""] as const;

function parse(version: string): readonly [stage: number, major: number, minor: number] | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  return match ? [stages.indexOf((match[2] ?? "") as (typeof stages)[number]), Number(match[1]), Number(match[3] ?? 0)] : undefined;
}

/**
 * Kubernetes' order of versions, best first: v10, v2, v1, v11beta2, v10beta3, v3beta1, v12alpha1, and then the rest by their letters
 * (documentation page "Versions in CustomResourceDefinitions", section "Version priority").
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0;
  return right[0] - left[0] || right[1] - left[1] || right[2] - left[2];
}
