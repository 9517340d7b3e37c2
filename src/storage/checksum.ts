/** A checksum inside a JSON record or line, as its last field: what was damaged, or changed by hand, is then known. */
import { z } from 'zod'
import { crc32 } from './crc32'

const FIELD = 'crc32'

const checksumOf = (value: object): number => crc32(new TextEncoder().encode(JSON.stringify(value)))

/** `value` with the CRC-32 of its JSON text. */
export const withChecksum = (value: object): object => ({ ...value, [FIELD]: checksumOf(value) })

/** What was read, without its checksum. `isWhole` is false where the two do not fit; a file of earlier versions has none and is whole. */
export function checked(parsed: unknown): { readonly value: unknown; readonly isWhole: boolean } {
  const record = z.looseObject({ [FIELD]: z.number() }).safeParse(parsed)
  if (!record.success) return { value: parsed, isWhole: true }
  const { [FIELD]: sum, ...value } = record.data
  return { value, isWhole: sum === checksumOf(value) }
}
