import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "node:test";
import { configMap, tellStories } from "./kubectl-story.ts";

const { plane, story } = tellStories();

describe("kubectl", { concurrency: 3 }, () => {
  story("create", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const { pki } = plane().started;
    await writeFile(join(plane().folder, "tls.crt"), pki.admin.certificatePem);
    await writeFile(join(plane().folder, "tls.key"), pki.admin.privateKeyPem);
    await writeFile(join(plane().folder, "other.key"), privateKey.export({ type: "pkcs8", format: "pem" }));
    return [
      ["create deployment d --image=a --replicas=1 --port=9", "deployment.apps/d created"],
      ["create job j --image=a -- echo", "job.batch/j created"],
      ["create cronjob cj --image=a --schedule='*/1 * * * *' -- echo", "cronjob.batch/cj created"],
      ["create configmap cm --from-literal=a=b --from-file=tls.crt", "configmap/cm created"],
      ["create configmap cm", 'error: failed to create configmap: configmaps "cm" already exists', { code: 1 }],
      ["create secret generic s --from-literal=a=b", "secret/s created"],
      ["create secret tls st --cert=tls.crt --key=tls.key", "secret/st created"],
      ["create secret docker-registry sd --docker-server=a --docker-username=b --docker-password=c", "secret/sd created"],
      ["get secret", /^NAME   TYPE                             DATA   AGE\ns      Opaque                           1      \d+s\nsd     kubernetes\.io\/dockerconfigjson   1      \d+s\nst     kubernetes\.io\/tls                2      \d+s\n$/],
      ["create service nodeport snp --tcp=80:80 --node-port=30080", "service/snp created"],
      ["create service nodeport snp2 --tcp=80:80 --node-port=30080", /error: failed to create NodePort service: Service "snp2" is invalid: spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/, { code: 1 }],
      ["create service loadbalancer slb --tcp=80", "service/slb created"],
      ["create service externalname sen --external-name=a.b", "service/sen created"],
      ["get svc", [/^sen +ExternalName   <none> +a\.b +<none>/m, /^slb +LoadBalancer +10\.\S+ +<pending> +80:\d+\/TCP/m]],
      ["create ingress ing2 --rule=a.b/c*=web:80,tls=x --class=nginx", "ingress.networking.k8s.io/ing2 created"],
      ["get ing ing2", /^NAME   CLASS   HOSTS   ADDRESS   PORTS     AGE\ning2   nginx   a\.b               80, 443   \d+s\n$/],
      ["create quota q --hard=pods=20,cpu=100", "resourcequota/q created"],
      ["create pdb pdb --selector=app=web --min-available=1", "poddisruptionbudget.policy/pdb created"],
      ["create priorityclass create-pc --value=7 --description=d", "priorityclass.scheduling.k8s.io/create-pc created"],
      ["create role r --verb=get,list --resource=pods,deployments.apps", "role.rbac.authorization.k8s.io/r created"],
      ["create rolebinding rb --role=r --user=bob --serviceaccount=default:default", "rolebinding.rbac.authorization.k8s.io/rb created"],
      ["create clusterrole create-cr --verb=get --resource=nodes", "clusterrole.rbac.authorization.k8s.io/create-cr created"],
      ["create clusterrole create-cra --aggregation-rule=a=b", "clusterrole.rbac.authorization.k8s.io/create-cra created"],
      ["create clusterrole create-crn --verb=get --non-resource-url=/x", "clusterrole.rbac.authorization.k8s.io/create-crn created"],
      ["create clusterrolebinding create-crb --clusterrole=create-cr --group=g", "clusterrolebinding.rbac.authorization.k8s.io/create-crb created"],
      ["create serviceaccount bob", "serviceaccount/bob created"],
      ["create serviceaccount dry --dry-run=server -o name", "serviceaccount/dry"],
      ["create token bob", /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n?$/],
      ["create token bob --duration=1m", 'error: failed to create token: TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes', { code: 1 }],
      ["create token nope", 'error: failed to create token: serviceaccounts "nope" not found', { code: 1 }],
      ["run r --image=a --dry-run=server", "pod/r created (server dry run)"],
      ["run r --image=a --labels=app=r --env=A=b --port=80", "pod/r created"],
      ["run r --image=a", 'Error from server (AlreadyExists): pods "r" already exists', { code: 1 }],
      ["run Bad_ --image=a", /^The Pod "Bad_" is invalid: \n\* metadata\.name: Invalid value: "Bad_": a lowercase RFC 1123 subdomain must consist/, { code: 1 }],
      ["create -f - -n nowhere", 'Error from server (NotFound): error when creating "STDIN": namespaces "nowhere" not found', { input: configMap("a"), code: 1 }],
    ];
  });

  story("rights", [
    ["auth whoami", [/^Username +kubernetes-admin$/m, /^Groups +\[system:masters system:authenticated\]$/m]],
    ["auth whoami --as=bob -o 'jsonpath={.status.userInfo.username}'", "bob"],
    ["auth can-i create pods", "yes"],
    ["auth can-i get pods --as=bob", "no", { code: 1 }],
    ["auth can-i --list --as=bob", /^selfsubjectreviews\.authentication\.k8s\.io +\[\] +\[\] +\[create\]$/m],
    ["get pods --as=bob", 'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "rights"', { code: 1 }],
    ["create role reader --verb=get,list --resource=pods", "role.rbac.authorization.k8s.io/reader created"],
    ["create rolebinding readers --role=reader --user=bob", "rolebinding.rbac.authorization.k8s.io/readers created"],
    ["auth can-i list pods --as=bob", "yes"],
    ["get pods --as=bob", "No resources found in rights namespace."],
    ["auth reconcile -f -", /^clusterrole\.rbac\.authorization\.k8s\.io\/rights reconciled\n\treconciliation required create\n\tmissing rules added:/, { input: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: rights}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]" }],
    ["create role escalated --verb=get --resource=secrets --as=bob", /User "bob" cannot create resource "roles"/, { code: 1 }],
  ]);

  story("certificates", async () => {
    const request = await certificateRequest("joe");
    const asked = (name: string) => `apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {name: ${name}}\nspec: {request: ${request}, signerName: example.com/s, usages: [client auth]}`;
    return [
      ["create -f -", "certificatesigningrequest.certificates.k8s.io/joe created", { input: asked("joe") }],
      ["get csr joe", /^NAME   AGE   SIGNERNAME      REQUESTOR          REQUESTEDDURATION   CONDITION\njoe    \d+s    example\.com\/s   kubernetes-admin   <none>              Pending\n$/],
      ["certificate approve joe", "certificatesigningrequest.certificates.k8s.io/joe approved"],
      ["get csr joe -o 'jsonpath={.status.conditions[0].type} {.status.conditions[0].lastTransitionTime}'", /^Approved \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
      ["certificate deny joe", 'error: certificate signing request "joe" is already Approved', { code: 1 }],
      ["create -f -", "certificatesigningrequest.certificates.k8s.io/jim created", { input: asked("jim") }],
      ["certificate deny jim", "certificatesigningrequest.certificates.k8s.io/jim denied"],
      ["describe csr jim", [/^Requesting User: +kubernetes-admin$/m, /^Status: +Denied$/m, /Common Name: +joe/]],
    ];
  });
});

async function certificateRequest(commonName: string): Promise<string> {
  await import("reflect-metadata");
  const { Pkcs10CertificateRequestGenerator } = await import("@peculiar/x509");
  const signingAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(signingAlgorithm, true, ["sign", "verify"]);
  const made = await Pkcs10CertificateRequestGenerator.create({ name: `CN=${commonName}`, keys, signingAlgorithm });
  return Buffer.from(made.toString("pem")).toString("base64");
}
