import { codecs, type RpcMethod } from "../../stdx/grpc.ts";
import { RpcChannel } from "../../stdx/rpc-channel.ts";

/**
 * The few messages of containerd's own API that a node needs beside CRI: events (containerd before 1.7 has no CRI event stream), and content and
 * images (to bring in an image without a registry). Names and numbers are those of containerd's api/ protos.
 */
const field = (type: string, id: number, rule?: "repeated"): object => ({ type, id, ...(rule !== undefined && { rule }) });
const map = (id: number): object => ({ keyType: "string", type: "string", id });
const messages = {
  Timestamp: { fields: { seconds: field("int64", 1), nanos: field("int32", 2) } },
  Any: { fields: { typeUrl: field("string", 1), value: field("bytes", 2) } },
  SubscribeRequest: { fields: { filters: field("string", 1, "repeated") } },
  Envelope: { fields: { timestamp: field("Timestamp", 1), namespace: field("string", 2), topic: field("string", 3), event: field("Any", 4) } },
  /** Common beginning of TaskStart, TaskExit, TaskDelete, TaskOOM. */
  TaskEvent: { fields: { containerId: field("string", 1) } },
  TaskExit: { fields: { containerId: field("string", 1), id: field("string", 2), pid: field("uint32", 3), exitStatus: field("uint32", 4) } },
  WriteContentRequest: {
    fields: {
      action: field("int32", 1), ref: field("string", 2), total: field("int64", 3), expected: field("string", 4), offset: field("int64", 5),
      data: field("bytes", 6), labels: map(7),
    },
  },
  WriteContentResponse: { fields: { action: field("int32", 1), offset: field("int64", 4), total: field("int64", 5), digest: field("string", 6) } },
  Descriptor: { fields: { mediaType: field("string", 1), digest: field("string", 2), size: field("int64", 3), annotations: map(5) } },
  Image: { fields: { name: field("string", 1), labels: map(2), target: field("Descriptor", 3) } },
  CreateLeaseRequest: { fields: { id: field("string", 1), labels: map(3) } },
  CreateLeaseResponse: { fields: {} },
  DeleteLeaseRequest: { fields: { id: field("string", 1) } },
  Empty: { fields: {} },
  ListImagesRequest: { fields: {} },
  ListImagesResponse: { fields: { images: field("Image", 1, "repeated") } },
  CreateImageRequest: { fields: { image: field("Image", 1) } },
  CreateImageResponse: { fields: { image: field("Image", 1) } },
  UpdateImageRequest: { fields: { image: field("Image", 1) } },
  UpdateImageResponse: { fields: { image: field("Image", 1) } },
};

export const containerdCodec = codecs(JSON.stringify({ nested: messages }));

const method = (service: string, name: string, request: string, response: string): RpcMethod => ({
  path: `/containerd.services.${service}/${name}`, request: containerdCodec(request), response: containerdCodec(response),
});

export const containerdMethods = {
  subscribe: method("events.v1.Events", "Subscribe", "SubscribeRequest", "Envelope"),
  writeContent: method("content.v1.Content", "Write", "WriteContentRequest", "WriteContentResponse"),
  createLease: method("leases.v1.Leases", "Create", "CreateLeaseRequest", "CreateLeaseResponse"),
  deleteLease: method("leases.v1.Leases", "Delete", "DeleteLeaseRequest", "Empty"),
  listImages: method("images.v1.Images", "List", "ListImagesRequest", "ListImagesResponse"),
  createImage: method("images.v1.Images", "Create", "CreateImageRequest", "CreateImageResponse"),
  updateImage: method("images.v1.Images", "Update", "UpdateImageRequest", "UpdateImageResponse"),
};

/** The namespace of containerd in which its CRI plugin keeps containers and images. */
export const criNamespace = "k8s.io";

/** `lease`: what is brought in over this channel is not collected while containerd has a lease of that name. */
export const containerdChannel = (socket: string, { lease }: { readonly lease?: string } = {}): RpcChannel =>
  new RpcChannel({ address: `unix://${socket}`, headers: { "containerd-namespace": criNamespace, ...(lease !== undefined && { "containerd-lease": lease }) } });
