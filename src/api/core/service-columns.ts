import type { Service, ServicePort } from "../generated/core-v1.ts";
import { ageColumn, nameColumn, text, wide } from "../printing/columns.ts";
import { addressesOf, formatLabels, orText } from "../printing/formats.ts";
import type { Column } from "../resource.ts";

function externalAddress({ spec, status }: Service): string {
  const externalIPs = spec?.externalIPs ?? [];
  switch (spec?.type) {
    case "ClusterIP":
    case "NodePort":
      return orText(externalIPs.join(","), "<none>");
    case "LoadBalancer":
      return orText([addressesOf(status?.loadBalancer?.ingress), ...externalIPs].filter((each) => each !== "").join(","), "<pending>");
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

const portText = ({ port, nodePort = 0, protocol = "TCP" }: ServicePort): string => (nodePort > 0 ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`);

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  text("Type", ({ spec }) => spec?.type ?? ""),
  text("Cluster-IP", ({ spec }) => orText(spec?.clusterIPs?.[0] ?? spec?.clusterIP, "<none>")),
  text("External-IP", externalAddress),
  text("Port(s)", ({ spec }) => orText((spec?.ports ?? []).map(portText).join(","), "<none>")),
  ageColumn,
  wide("Selector", ({ spec }) => formatLabels(spec?.selector)),
];
