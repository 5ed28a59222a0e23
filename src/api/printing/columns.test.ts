import assert from "node:assert/strict";
import { test } from "node:test";
import { resources } from "../all.ts";
import type { Column } from "../resource.ts";
import { schemas } from "../schemas.ts";
import { columnDescription } from "./column-descriptions.ts";

/**
 * Upstream's columns: "Name:type/format+", where string and no format are left out and "+" is shown in wide output only. From pkg/printers/internalversion/printers.go, the default
 * table convertor (pkg/registry/rest/table.go in apiserver), and the one of APIServices.
 */
const facts: Readonly<Record<string, string>> = {
  "apiservices.apiregistration.k8s.io": "Name/name, Service, Available, Age",
  "certificatesigningrequests.certificates.k8s.io": "Name/name, Age, SignerName, Requestor, RequestedDuration, Condition",
  "clusterrolebindings.rbac.authorization.k8s.io": "Name/name, Role, Age, Users+, Groups+, ServiceAccounts+",
  "clusterroles.rbac.authorization.k8s.io": "Name/name, Created At:date",
  "configmaps": "Name/name, Data, Age",
  "controllerrevisions.apps": "Name/name, Controller, Revision, Age",
  "cronjobs.batch": "Name/name, Schedule, Timezone, Suspend:boolean, Active:integer, Last Schedule, Age, Containers+, Images+, Selector+",
  "csidrivers.storage.k8s.io": "Name/name, AttachRequired:boolean, PodInfoOnMount:boolean, StorageCapacity:boolean, TokenRequests, RequiresRepublish:boolean, Modes, Age",
  "csinodes.storage.k8s.io": "Name/name, Drivers:integer, Age",
  "csistoragecapacities.storage.k8s.io": "Name/name, Created At:date",
  "customresourcedefinitions.apiextensions.k8s.io": "Name/name, Created At:date",
  "daemonsets.apps": "Name/name, Desired:integer, Current:integer, Ready:integer, Up-to-date:integer, Available:integer, Node Selector, Age, Containers+, Images+, Selector+",
  "deployments.apps": "Name/name, Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+",
  "deviceclasses.resource.k8s.io": "Name/name, Age",
  "endpoints": "Name/name, Endpoints, Age",
  "endpointslices.discovery.k8s.io": "Name/name, AddressType, Ports, Endpoints, Age",
  "events": "Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name/name+",
  "events.events.k8s.io": "Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name/name+",
  "flowschemas.flowcontrol.apiserver.k8s.io": "Name/name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL",
  "horizontalpodautoscalers.autoscaling": "Name/name, Reference, Targets, MinPods, MaxPods, Replicas, Age",
  "ingressclasses.networking.k8s.io": "Name/name, Controller, Parameters, Age",
  "ingresses.networking.k8s.io": "Name/name, Class, Hosts, Address, Ports, Age",
  "ipaddresses.networking.k8s.io": "Name/name, ParentRef",
  "jobs.batch": "Name/name, Status, Completions, Duration, Age, Containers+, Images+, Selector+",
  "leases.coordination.k8s.io": "Name/name, Holder, Age",
  "limitranges": "Name/name, Created At:date",
  "mutatingadmissionpolicies.admissionregistration.k8s.io": "Name/name, Mutations:integer, ParamKind, Age",
  "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "Name/name, PolicyName, ParamRef, Age",
  "mutatingwebhookconfigurations.admissionregistration.k8s.io": "Name/name, Webhooks:integer, Age",
  "namespaces": "Name/name, Status, Age",
  "networkpolicies.networking.k8s.io": "Name/name, Pod-Selector, Age",
  "nodes": "Name/name, Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, Container-Runtime+",
  "persistentvolumeclaims": "Name/name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode+",
  "persistentvolumes": "Name/name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, VolumeMode+",
  "poddisruptionbudgets.policy": "Name/name, Min Available, Max Unavailable, Allowed Disruptions:integer, Age",
  "pods": "Name/name, Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+",
  "podtemplates": "Name/name, Containers, Images, Pod Labels",
  "priorityclasses.scheduling.k8s.io": "Name/name, Value:integer, Global-Default:boolean, Age, PreemptionPolicy",
  "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io": "Name/name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age",
  "replicasets.apps": "Name/name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, Selector+",
  "replicationcontrollers": "Name/name, Desired:integer, Current:integer, Ready:integer, Age, Containers+, Images+, Selector+",
  "resourceclaims.resource.k8s.io": "Name/name, State, Age",
  "resourceclaimtemplates.resource.k8s.io": "Name/name, Age",
  "resourcequotas": "Name/name, Request, Limit, Age",
  "resourceslices.resource.k8s.io": "Name/name, Node, Driver, Pool, Age",
  "rolebindings.rbac.authorization.k8s.io": "Name/name, Role, Age, Users+, Groups+, ServiceAccounts+",
  "roles.rbac.authorization.k8s.io": "Name/name, Created At:date",
  "runtimeclasses.node.k8s.io": "Name/name, Handler, Age",
  "secrets": "Name/name, Type, Data, Age",
  "serviceaccounts": "Name/name, Age",
  "servicecidrs.networking.k8s.io": "Name/name, CIDRs, Age",
  "services": "Name/name, Type, Cluster-IP, External-IP, Port(s), Age, Selector+",
  "statefulsets.apps": "Name/name, Ready, Age, Containers+, Images+",
  "storageclasses.storage.k8s.io": "Name/name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age",
  "validatingadmissionpolicies.admissionregistration.k8s.io": "Name/name, Validations:integer, ParamKind, Age",
  "validatingadmissionpolicybindings.admissionregistration.k8s.io": "Name/name, PolicyName, ParamRef, Age",
  "validatingwebhookconfigurations.admissionregistration.k8s.io": "Name/name, Webhooks:integer, Age",
  "volumeattachments.storage.k8s.io": "Name/name, Attacher/name, PV, Node, Attached:boolean, Age",
  "volumeattributesclasses.storage.k8s.io": "Name/name, DriverName, Age",
};

/** Upstream looks these up among the fields of metadata, where they are not, and so describes them with nothing. */
const undescribed = new Set(["runtimeclasses.node.k8s.io Handler"]);

const kindOf = ({ group, plural }: { readonly group: string; readonly plural: string }): string => (group === "" ? plural : `${plural}.${group}`);
const inShort = ({ name, type, format = "", priority }: Column<never>): string => `${name}${type === "string" ? "" : `:${type}`}${format === "" ? "" : `/${format}`}${priority === 0 ? "" : "+"}`;

test("every kind has upstream's columns", () => {
  for (const { type, columns } of resources) assert.equal(columns.length === 0 ? "Name/name, Created At:date" : columns.map(inShort).join(", "), facts[kindOf(type)], kindOf(type));
});

test("every column is described by a field that exists, or by words", () => {
  for (const { type, columns } of resources) {
    for (const { name } of columns) {
      const found = columnDescription(type, name);
      if (undescribed.has(`${kindOf(type)} ${name}`)) assert.equal(found, undefined);
      else if (found?.is === "field") assert.ok(schemas.type(found.type)?.fields[found.field], `${kindOf(type)} ${name}: ${found.type} has no ${found.field}`);
      else assert.ok(found?.text, `${kindOf(type)} ${name} has no description`);
    }
  }
});
