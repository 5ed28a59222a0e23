import { programLayer, type ImageRequest } from "../../src/cluster/images/images.ts";
import { buildImage, type BuiltImage } from "../../src/cri/oci/image.ts";

/** A shell with perl (UDP, HTTP) and openssl (TLS), for what busybox cannot ask. */
export async function toolsImage({ cache, tags }: ImageRequest): Promise<BuiltImage> {
  const layer = await programLayer(["perl-base", "openssl", "libc6", "libcrypt1", "libssl3"], cache);
  return buildImage({ layers: [layer], config: { Env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], Cmd: ["sh"] }, tags });
}
