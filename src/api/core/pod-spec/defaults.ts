import type {
  Container, ContainerPort, EnvVar, EphemeralContainer, HTTPGetAction, Lifecycle, LifecycleHandler, PodSpec, PodTemplateSpec, Probe,
} from "../../generated/core-v1.ts";
import { changeEach, changeField, missing, withDefaults, withNumberDefaults } from "../../defaulting.ts";
import { canonicalRequirements, canonicalResources } from "../resource-list.ts";
import { volumeDefaults } from "./defaults-volumes.ts";
import { defaultPullPolicy } from "./image.ts";

const terminationMessagePath = "/dev/termination-log";
const terminationGraceSeconds = 30;

const httpGetDefaults = (action: HTTPGetAction): HTTPGetAction => withDefaults(action, { path: "/", scheme: "HTTP" });

function probeDefaults(probe: Probe): Probe {
  const timed = withNumberDefaults(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  return changeField(changeField(timed, "httpGet", httpGetDefaults), "grpc", (grpc) => withDefaults(grpc, { service: "" }));
}

const handlerDefaults = (handler: LifecycleHandler): LifecycleHandler => changeField(handler, "httpGet", httpGetDefaults);
const lifecycleDefaults = (lifecycle: Lifecycle): Lifecycle =>
  changeField(changeField(lifecycle, "postStart", handlerDefaults), "preStop", handlerDefaults);

const envDefaults = (variable: EnvVar): EnvVar =>
  changeField(variable, "valueFrom", (source) =>
    changeField(
      changeField(
        changeField(source, "fieldRef", (field) => withDefaults(field, { apiVersion: "v1" })),
        "resourceFieldRef", (field) => withDefaults(field, { divisor: "0" }),
      ),
      "fileKeyRef", (key) => withDefaults(key, { optional: false }),
    ));

/** What every container gets, in a pod as in a template, as init container as in the main row. */
export function containerDefaults<T extends Container | EphemeralContainer>(container: T): T {
  let next: Container = withDefaults(container as Container, {
    imagePullPolicy: defaultPullPolicy(container.image), terminationMessagePath, terminationMessagePolicy: "File", resources: {},
  });
  next = changeEach(next, "ports", (port: ContainerPort) => withDefaults(port, { protocol: "TCP" }));
  next = changeEach(next, "env", envDefaults);
  next = changeField(next, "resources", canonicalRequirements);
  next = changeField(next, "livenessProbe", probeDefaults);
  next = changeField(next, "readinessProbe", probeDefaults);
  next = changeField(next, "startupProbe", probeDefaults);
  next = changeField(next, "lifecycle", lifecycleDefaults);
  return next as T;
}

/** The service account has an older name, and both are always shown. */
export function withBothServiceAccountNames(spec: PodSpec): PodSpec {
  const name = missing(spec.serviceAccountName) ? spec.serviceAccount : spec.serviceAccountName;
  return missing(name) || (spec.serviceAccount === name && spec.serviceAccountName === name) ? spec : { ...spec, serviceAccount: name, serviceAccountName: name };
}

/** Defaults of a pod's spec wherever one occurs: in pods and in the templates of workloads. */
export function podSpecDefaults(spec: PodSpec): PodSpec {
  let next = withDefaults(spec, {
    dnsPolicy: "ClusterFirst", restartPolicy: "Always", securityContext: {}, terminationGracePeriodSeconds: terminationGraceSeconds, schedulerName: "default-scheduler",
  });
  next = withBothServiceAccountNames(next);
  next = changeEach(next, "volumes", volumeDefaults);
  next = changeEach(next, "initContainers", (container: Container) => containerDefaults(container));
  next = changeEach(next, "containers", (container: Container) => containerDefaults(container));
  next = changeEach(next, "ephemeralContainers", (container: EphemeralContainer) => containerDefaults(container));
  next = changeField(next, "overhead", canonicalResources);
  next = changeField(next, "resources", canonicalRequirements);
  return next;
}

/** Templates are pods to be: their metadata is always written, and their spec gets what all specs get. */
export const podTemplateDefaults = <T extends PodTemplateSpec>(template: T): T =>
  changeField(withDefaults(template as PodTemplateSpec, { metadata: {}, spec: { containers: [] } }), "spec", podSpecDefaults) as T;
