/** CRC-32 (IEEE 802.3, as in zip): enough to tell a torn write from a whole one, at a fraction of a hash's cost. */

/** TABLES[k][b]: the CRC of byte b followed by k zero bytes, so that four bytes are taken at a time. */
const TABLES: readonly Uint32Array[] = makeTables()

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
    first[byte] = crc
  }
  const tables = [first]
  for (let k = 1; k < 4; k++) {
    const before = tables[k - 1] ?? first
    tables.push(before.map((crc) => (crc >>> 8) ^ (first[crc & 0xff] ?? 0)))
  }
  return tables
}

export function crc32(bytes: Uint8Array): number {
  const [t0, t1, t2, t3] = TABLES
  if (!t0 || !t1 || !t2 || !t3) throw new Error('CRC tables are missing.')
  let crc = 0xffffffff
  let at = 0
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
    crc = (t3[crc & 0xff] ?? 0) ^ (t2[(crc >>> 8) & 0xff] ?? 0) ^ (t1[(crc >>> 16) & 0xff] ?? 0) ^ (t0[crc >>> 24] ?? 0)
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}
