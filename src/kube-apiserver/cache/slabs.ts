/** Somebody whose bytes lie in a slab. */
export interface Tenant {
  /** In bytes. */
  readonly byteLength: number;
  /** Whether its bytes are still wanted, and still in this slab. */
  livesIn(slab: Slab): boolean;
  /** They have been copied there. */
  moved(slab: Slab, at: number): void;
  copyTo(target: Buffer, at: number): void;
}

/** A piece of memory that is filled from its beginning; nothing that was written to it is ever changed, so views of it stay right as long as somebody holds them. */
export interface Slab {
  readonly bytes: Buffer;
}

interface OwnSlab extends Slab {
  readonly tenants: Tenant[];
  used: number;
  live: number;
}

const slabBytesDefault = 1 << 20;

/**
 * Keeps the bytes of very many small things in few large pieces, out of sight of V8's collector: a Buffer of its own for each would be three objects to mark and a
 * backing store to sweep. A slab of which less than half is still wanted is left by those who live in it, and freed.
 */
export class Slabs {
  readonly #slabBytes: number;
  #current: OwnSlab | undefined;

  constructor({ slabBytes = slabBytesDefault }: { readonly slabBytes?: number } = {}) {
    this.#slabBytes = slabBytes;
  }

  /** Gives it a place, unless it is so large that it had better keep memory of its own. */
  add(tenant: Tenant): void {
    const length = tenant.byteLength;
    if (length > this.#slabBytes / 4) return;
    const slab = this.#withRoom(length);
    const at = slab.used;
    tenant.copyTo(slab.bytes, at);
    slab.used += length;
    slab.live += length;
    slab.tenants.push(tenant);
    tenant.moved(slab, at);
  }

  /** The tenant's bytes, which lay there, are no longer wanted. Whoever holds them still can read them. */
  leave(slab: Slab, byteLength: number): void {
    const own = slab as OwnSlab;
    own.live -= byteLength;
    if (own === this.#current || own.live * 2 >= own.used) return;
    for (const tenant of own.tenants.splice(0)) if (tenant.livesIn(own)) this.add(tenant);
  }

  #withRoom(length: number): OwnSlab {
    const current = this.#current;
    if (current && current.used + length <= this.#slabBytes) return current;
    const next: OwnSlab = { bytes: Buffer.allocUnsafeSlow(this.#slabBytes), tenants: [], used: 0, live: 0 };
    this.#current = next;
    return next;
  }
}
