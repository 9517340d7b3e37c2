/** Golden files and folders for the tests of models/. */
import { readdirSync, readFileSync } from 'node:fs'
import { folderFromMap, sourceFromBytes } from '../../src/models/weights/byteSource'
import { openSafetensors, type TensorSource } from '../../src/models/weights/safetensors'

const ROOT = new URL('../golden/', import.meta.url)

export function goldenBytes(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(path, ROOT)))
}

export function goldenText(path: string): string {
  return readFileSync(new URL(path, ROOT), 'utf8')
}

/** A golden folder's files in a map that a test may change before `folderFromMap`. */
export function goldenFiles(folder: string): Map<string, Uint8Array> {
  return new Map(readdirSync(new URL(`${folder}/`, ROOT)).map((name) => [name, goldenBytes(`${folder}/${name}`)]))
}

export function goldenFolder(folder: string) {
  return folderFromMap(folder, goldenFiles(folder))
}

export function openBytes(bytes: Uint8Array, file = 'a.safetensors'): Promise<TensorSource> {
  return openSafetensors(sourceFromBytes(bytes), file)
}

export function openGolden(path: string): Promise<TensorSource> {
  return openBytes(goldenBytes(path), path)
}

/** Bytes of a file with this header and this much zero data. */
export function withHeader(header: unknown, dataLength: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const out = new Uint8Array(8 + text.length + dataLength)
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true)
  out.set(text, 8)
  return out
}
