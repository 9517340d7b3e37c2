/** Golden files of `test/golden`, read from the project's root. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceFromBytes } from '../models/weights/byteSource'
import { openSafetensors } from '../models/weights/safetensors'
import type { Goldens } from '../training/parity'

export function goldensOf(projectRoot: string): Goldens {
  const read = (path: string): Uint8Array<ArrayBuffer> => readFileSync(join(projectRoot, 'test/golden', path))
  return {
    json: (path): unknown => JSON.parse(new TextDecoder().decode(read(path))),
    tensors: (path) => openSafetensors(sourceFromBytes(read(path)), path),
  }
}
