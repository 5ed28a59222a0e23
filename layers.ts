/** What each folder of src/ may import. Read top-down: nobody imports upwards, and components meet only through the API. */
const shared = ["stdx", "apimachinery", "api", "client"] as const;
const below = [
  "stdx", "apimachinery", "api", "storage", "client", "cri", "kube-apiserver", "kube-scheduler", "kube-controller-manager",
  "kubelet", "kube-proxy", "cluster-dns", "kubectl",
] as const;

export const mayImport: Readonly<Record<string, readonly string[]>> = {
  "stdx": [],
  "apimachinery": ["stdx"],
  "api": ["stdx", "apimachinery"],
  "storage": ["stdx"],
  "client": ["stdx", "apimachinery", "api"],
  "cri": ["stdx"],
  "kube-apiserver": ["stdx", "apimachinery", "api", "storage"],
  "kube-scheduler": shared,
  "kube-controller-manager": shared,
  "kubelet": [...shared, "cri"],
  "kube-proxy": shared,
  "cluster-dns": shared,
  "kubectl": shared,
  "cluster": below,
  "bin": [...below, "cluster"],
};
