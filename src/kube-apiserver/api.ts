import type { SchemaLookup } from "../apimachinery/schema.ts";
import type { Clock } from "../stdx/clock.ts";
import type { Log } from "../stdx/log.ts";
import type { Random } from "../stdx/random.ts";
import type { Steps } from "../stdx/steps.ts";
import type { AdmissionPlugin, Authenticator, Authorizer, TokenIssuer, VirtualResource } from "./access.ts";
import type { ClusterState } from "./cache/cluster-state.ts";
import type { InFlight } from "./requests/in-flight.ts";
import type { ManagedFieldsKeeper } from "./managed-fields.ts";
import type { Metrics } from "./metrics.ts";
import type { ProtobufCodec } from "../apimachinery/protobuf/codec.ts";
import type { ColumnHeads } from "./output/column-heads.ts";
import type { ListBodies } from "./output/list-bodies.ts";
import type { Served } from "./served.ts";

/** Everything a handler can need, put together once at start. */
export interface Api {
  readonly state: ClusterState;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly steps: Steps;
  readonly schemas: SchemaLookup;
  readonly protobuf: ProtobufCodec | undefined;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly admission: readonly AdmissionPlugin[];
  readonly tokenIssuer: TokenIssuer | undefined;
  readonly managedFields: ManagedFieldsKeeper;
  readonly metrics: Metrics;
  readonly inFlight: InFlight;
  readonly listBodies: ListBodies;
  readonly columnHeads: ColumnHeads;
  served(group: string, version: string, plural: string): Served | undefined;
  /** Create-only kinds: "authentication.k8s.io/v1/tokenreviews" → its handler. */
  virtual(group: string, version: string, plural: string): VirtualResource | undefined;
  /** Whether anything is served under /apis/group; the core group is "". */
  hasGroup(group: string): boolean;
}
