/** Odd checkpoints that transformers loads as the plain one (test/golden/checkpoint_variants.py makes the same) are loaded as it here too. */
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openWeightsFolder } from '../../src/models/checkpointFolder'
import { architectureOf } from '../../src/models/languageModel'
import { folderFromMap } from '../../src/models/weights/byteSource'
import { goldenFiles, goldenFolder, goldenText } from './files'
import { encode, INDEX } from './shards'

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}
interface Parts {
  readonly header: ReadonlyMap<string, Entry>
  /** undefined: left out. */
  readonly metadata: unknown
  readonly body: Uint8Array
}
type Files = Map<string, Uint8Array>

const golden = z.object({ equal: z.record(z.string(), z.boolean()) }).parse(JSON.parse(goldenText('checkpoint_variants_golden.json')))
const SINGLE = 'model.safetensors'
const shard = (n: number): string => `model-0000${n}-of-00002.safetensors`

function read(bytes: Uint8Array): Parts {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true))
  const { __metadata__: metadata, ...header } = JSON.parse(new TextDecoder().decode(bytes.slice(8, 8 + length))) as Record<string, Entry>
  return { header: new Map(Object.entries(header)), metadata, body: bytes.slice(8 + length) }
}

function write({ header, metadata, body }: Parts): Uint8Array {
  const text = encode({ ...(metadata !== undefined && { __metadata__: metadata }), ...Object.fromEntries(header) })
  const out = new Uint8Array(8 + text.length + body.length)
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true)
  out.set(text, 8)
  out.set(body, 8 + text.length)
  return out
}

const single =
  (change: (parts: Parts) => Parts) =>
  (files: Files): Files =>
    files.set(SINGLE, write(change(read(files.get(SINGLE) ?? new Uint8Array(0)))))
const renamed = (nameOf: (name: string) => string) =>
  single((parts) => ({ ...parts, header: new Map([...parts.header].map(([name, entry]) => [nameOf(name), entry])) }))
const bare = (name: string): string => name.replace(/^model\./, '')

/** [dtype, shape, bytes] of tensors that no model needs. */
const NEWER: readonly [string, number[], number][] = [
  ['F8_E8M0', [4], 4],
  ['F4', [2, 2], 2],
  ['C64', [1], 8],
  ['F6_E2M3', [4], 3],
  ['F8_E4M3', [2], 2],
  ['F8_E5M2FNUZ', [2], 2],
]
const withNewer = single(({ header, metadata, body }) => {
  const all = new Map(header)
  let end = body.length
  for (const [dtype, shape, length] of NEWER) {
    all.set(`newer.${dtype}`, { dtype, shape, data_offsets: [end, end + length] })
    end += length
  }
  const longer = new Uint8Array(end)
  longer.set(body)
  return { header: all, metadata, body: longer }
})

const inShards =
  (change: (names: Record<string, string>) => Record<string, string>) =>
  (files: Files): Files => {
    const { header, body } = read(files.get(SINGLE) ?? new Uint8Array(0))
    const weightMap: Record<string, string> = {}
    for (const n of [1, 2]) {
      const part = new Map<string, Entry>()
      const bytes: Uint8Array[] = []
      let end = 0
      for (const [at, [name, entry]] of [...header].entries()) {
        if (at % 2 !== n - 1) continue
        const raw = body.slice(...entry.data_offsets)
        part.set(name, { ...entry, data_offsets: [end, end + raw.length] })
        end += raw.length
        bytes.push(raw)
        weightMap[name] = shard(n)
      }
      files.set(shard(n), write({ header: part, metadata: undefined, body: Uint8Array.from(bytes.flatMap((raw) => [...raw])) }))
    }
    files.delete(SINGLE)
    return files.set(INDEX, encode({ metadata: { total_size: 1 }, weight_map: change(weightMap) }))
  }

const VARIANTS: Readonly<Record<string, (files: Files) => Files>> = {
  'names without model.': renamed(bare),
  'some names without model.': renamed((name) => (name.includes('layers.0') ? bare(name) : name)),
  'metadata null': single((parts) => ({ ...parts, metadata: null })),
  'no metadata': single((parts) => ({ ...parts, metadata: undefined })),
  'unused tensors of newer dtypes': withNewer,
  'an index with stale entries': inShards((names) => ({
    ...names,
    ...{ 'model.layers.0.self_attn.rotary_emb.inv_freq': shard(1), 'model.gone.weight': shard(1) },
  })),
  'an index that names a tied head': inShards((names) => ({ 'lm_head.weight': shard(1), ...names })),
  'an index that names another shard': inShards((names) => ({
    ...names,
    ...{ 'model.norm.weight': shard(1), 'model.layers.0.mlp.up_proj.weight': shard(2) },
  })),
  'an index that names too few': inShards((names) =>
    Object.fromEntries(Object.entries(names).filter(([name]) => !name.includes('layers.1'))),
  ),
}

describe('an odd checkpoint that transformers loads', () => {
  it.each(Object.entries(golden.equal).map(([name, isEqual]) => ({ name, isEqual })))(
    'holds the same weights: $name',
    async ({ name, isEqual }) => {
      const [base = '', ...variant] = name.split(': ')
      const change = VARIANTS[variant.join(': ')]
      expect(change).toBeDefined()
      expect(isEqual).toBe(true)
      const plain = await openWeightsFolder(goldenFolder(base))
      const odd = await openWeightsFolder(folderFromMap(base, change?.(goldenFiles(base)) ?? new Map()))
      expect(odd.config).toEqual(plain.config)
      const needed = architectureOf(odd.config).parameters(odd.config)
      odd.requireTensors(needed)
      for (const [tensor, shape] of Object.entries(needed))
        expect(await odd.tensors.float32(tensor, shape), tensor).toEqual(await plain.tensors.float32(tensor, shape))
    },
  )

  it('is refused where a tensor is needed that the index names and no shard has', async () => {
    const stale = inShards((names) => ({ ...names, 'model.norm.bias': shard(1) }))
    const { requireTensors } = await openWeightsFolder(folderFromMap('here', stale(goldenFiles('tiny_llama3'))))
    expect(() => requireTensors({ 'model.norm.bias': [4] })).toThrow(
      `${INDEX}: tensor "model.norm.bias" of shape [4]: expected in ${shard(1)}, found in no file; ${shard(1)} has`,
    )
  })

  it('is refused where a needed tensor has a dtype that is not read', async () => {
    const complex = single((parts) => {
      const norm = parts.header.get('model.norm.weight')
      if (!norm) throw new Error('no norm')
      return {
        ...parts,
        header: new Map([...parts.header, ['model.norm.weight', { ...norm, dtype: 'C64', shape: [(norm.shape[0] ?? 0) / 2] }]]),
      }
    })
    const { tensors } = await openWeightsFolder(folderFromMap('here', complex(goldenFiles('tiny_llama3'))))
    await expect(tensors.float32('model.norm.weight')).rejects.toThrow(
      'tensor "model.norm.weight" is C64: complex weights are not supported',
    )
  })
})
