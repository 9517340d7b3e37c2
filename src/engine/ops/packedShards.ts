/** Divides packed state that is longer than a binding into parts. */
import type { KernelContext } from '../kernel'

/** Elements whose partial sums are taken together. */
export const CHUNK = 4096

/** Parts of `total` elements that can each be bound. They are whole chunks, so sums do not depend on the device and offsets are multiples of 256 bytes. */
export function packedShards(
  total: number,
  { maxBindingBytes }: Pick<KernelContext, 'maxBindingBytes'>,
): { readonly first: number; readonly count: number }[] {
  const most = Math.max(1, Math.floor(maxBindingBytes / 4 / CHUNK)) * CHUNK
  return Array.from({ length: Math.max(1, Math.ceil(total / most)) }, (_, shard) => ({
    first: shard * most,
    count: Math.min(most, total - shard * most),
  }))
}
