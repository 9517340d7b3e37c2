import { expect, test } from 'vitest'
import type { EngineDevice } from '../../src/engine/device/engineDevice'
import { KERNELS_VERSION, productClass } from '../../src/engine/products/productKernels'
import type { ProductKernels } from '../../src/engine/products/productChoice'
import { parseModelConfig } from '../../src/models/architectures/config'
import { productShapes } from '../../src/models/productShapes'
import { adapterName, type KernelTable } from '../../src/records/kernelTable'
import type { RunRecord } from '../../src/records/run'
import { saveKernelTable } from '../../src/storage/kernelTables'
import { settleKernels, type KernelParts } from '../../src/studio/runs/kernels'
import { aRun } from '../support/builders'
import { report } from './testStudio'

const model = parseModelConfig({
  ...{ model_type: 'qwen2', vocab_size: 64, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 1 },
  ...{ num_attention_heads: 4, num_key_value_heads: 2, tie_word_embeddings: true, max_position_embeddings: 64 },
})
const trainable = { kind: 'lora', valueHead: false, lora: { rank: 8, alpha: 8, targets: ['q_proj'] } } as const
const gpu = { ...report, isSoftware: false }
const classes = [...new Set(productShapes(model, trainable.lora).map(productClass))]
const tableWith = (variant: string): KernelTable => ({
  ...{ version: 1, adapter: adapterName(gpu), kernels: KERNELS_VERSION, half: false },
  choices: Object.fromEntries(classes.map((name) => [name, variant])),
})
const fixed: ProductKernels = { choices: {}, workgroupBytes: 16_384, matrices: [] }

/** Nothing here is timed: a device that computes nothing will do. */
function room(first: Partial<RunRecord>, isSoftware = false) {
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>()
  const engine = { products: fixed, productKernels: (choices: ProductKernels['choices']) => ({ ...fixed, choices }) }
  const recorder = {
    record: { ...aRun('run-1'), ...first },
    change: (fields: Partial<RunRecord>) => Promise.resolve(void (recorder.record = { ...recorder.record, ...fields })),
  }
  const store: KernelParts['store'] = {
    readBlob: (name) => Promise.resolve(blobs.get(name) ?? null),
    writeBlob: (name, bytes) => Promise.resolve(void blobs.set(name, new Uint8Array(bytes))),
  }
  const opened = { engine: engine as unknown as EngineDevice, report: { ...gpu, isSoftware } }
  const control = { gate: () => undefined, phase: () => undefined, advance: () => undefined }
  const settle = () => settleKernels(model, trainable, recorder, control, { opened, store, clock: () => 0 })
  const keep = (table: KernelTable) => saveKernelTable({ read: store.readBlob, write: store.writeBlob }, table)
  return { engine, recorder, settle, keep }
}

test('a new run takes the kernels kept for its adapter and says so in its record', async () => {
  const { engine, recorder, settle, keep } = room({})
  const kept = tableWith('tile 32x32')
  await keep(kept)
  const putBack = await settle()
  expect(engine.products.choices).toEqual(kept.choices)
  expect(recorder.record.kernels).toEqual(kept)
  putBack()
  expect(engine.products).toBe(fixed)
})

test('a run that goes on takes its own, measured or fixed, whatever is kept now', async () => {
  const own = tableWith('tile 64x64 by 8x8')
  const tuned = room({ kernels: own, steps_done: 3 })
  await tuned.keep(tableWith('tile 32x32'))
  await tuned.settle()
  expect(tuned.engine.products.choices).toEqual(own.choices)
  const plain = room({ steps_done: 3 })
  await plain.keep(tableWith('tile 32x32'))
  await plain.settle()
  expect(plain.engine.products).toBe(fixed)
  expect(plain.recorder.record.kernels).toBeUndefined()
})

test('a processor computes with the fixed kernels', async () => {
  const { engine, recorder, settle, keep } = room({}, true)
  await keep(tableWith('tile 32x32'))
  await settle()
  expect(engine.products).toBe(fixed)
  expect(recorder.record.kernels).toBeUndefined()
})
