/**
 * A model's frozen tensors in the form the GPU holds them, kept after they were packed, so that the next opening reads 4 or 8 bits a
 * weight instead of 16, and no byte of the checkpoint's tensors. Keys name the checkpoint's version, the format and this layout's version.
 */
import { sha256 } from '../../base/sha256'
import type { WeightFormat } from '../../engine/weightFormat'
import type { PieceStore } from './cachedSource'

/** Counts up whenever the packed layout or its rounding changes: what older versions kept is packed anew. */
const PACKING_VERSION = 1
const PIECE_BYTES = 16 << 20

export interface PackedTensor {
  /** Hugging Face name. */
  readonly name: string
  readonly format: WeightFormat
  /** Of the buffer, codes and scales. */
  readonly bytes: number
}

export interface PackedCache {
  /** Hands every piece over in order. False when one is missing, damaged or of another length: the tensor must be packed again. */
  load(tensor: PackedTensor, put: (bytes: Uint8Array<ArrayBuffer>, offset: number) => Promise<void> | void): Promise<boolean>
  /** Rejects when the storage is full. */
  keep(tensor: PackedTensor, get: (offset: number, length: number) => Promise<Uint8Array>): Promise<void>
}

/**
 * @param pieces belongs to one model; its `read` rejects when what is stored is damaged.
 * @param identity names this version of the checkpoint: another content must have another identity.
 */
export function packedCache(pieces: PieceStore, identity: string, pieceBytes = PIECE_BYTES): PackedCache {
  const keyOf = ({ name, format, bytes }: PackedTensor, index: number): string =>
    `packed-${sha256([identity, String(PACKING_VERSION), name, format, String(bytes), String(pieceBytes)].join('\n')).slice(0, 32)}-${index}`
  return {
    async load(tensor, put) {
      for (let offset = 0, index = 0; offset < tensor.bytes; offset += pieceBytes, index++) {
        const piece = await pieces.read(keyOf(tensor, index)).catch(() => null)
        if (piece?.length !== Math.min(pieceBytes, tensor.bytes - offset)) return false
        await put(piece, offset)
      }
      return true
    },
    async keep(tensor, get) {
      for (let offset = 0, index = 0; offset < tensor.bytes; offset += pieceBytes, index++)
        await pieces.write(keyOf(tensor, index), await get(offset, Math.min(pieceBytes, tensor.bytes - offset)))
    },
  }
}
