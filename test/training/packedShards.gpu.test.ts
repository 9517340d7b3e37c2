/** What is trained may be longer than a binding: the same bits as whole. */
import { expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { PPO_TOTAL_WORDS, ppoMinibatch } from '../../src/engine/ops/ppoMinibatch'
import { PPO_SUM_WORDS } from '../../src/engine/ops/ppoLoss'
import { softUpdate } from '../../src/engine/ops/softUpdate'
import { parseModelConfig } from '../../src/models/architectures/config'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { readerOf } from '../../src/models/weights/safetensors'
import { PolicyModel } from '../../src/training/policy/policyModel'
import { goldenText, openGolden } from '../models/files'
import { adapterUnderTest, testDevice } from '../support/gpu'

const config = parseModelConfig(JSON.parse(goldenText('tiny_qwen2/config.json')))
const SMALL = 64 << 10
/** Of the test's own, and how long where it is not as long as what is trained. */
const LEAVES = new Map([
  ['target', null],
  ['kept', null],
  ['sums', PPO_SUM_WORDS],
  ['totals', PPO_TOTAL_WORDS],
])

/** Weights after an update and after targets and kept gradients were blended, and the dispatches it took. */
async function trained(maxBindingBytes: number | null): Promise<{ values: Float32Array[]; dispatches: number }> {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  if (maxBindingBytes !== null) Object.defineProperty(engine, 'maxBindingBytes', { value: maxBindingBytes })
  const lora = { rank: 64, alpha: 16, targets: PROJECTIONS }
  const policy = await PolicyModel.create(engine, config, readerOf(await openGolden('tiny_qwen2/model.safetensors')), {
    ...{ kind: 'lora', lora, valueHead: false },
  })
  const { packed } = policy
  expect(packed.count * 4).toBeGreaterThan(3 * SMALL)
  const rng = createRng(3)
  const noise = (): Float32Array => Float32Array.from({ length: packed.count }, () => rng.normal())
  const state = (name: string): GPUBuffer => packed.lookup(name)?.buffer ?? expect.unreachable(name)
  for (const name of ['packed/weights', 'packed/grads']) engine.write(state(name), noise())
  packed.setHyper({ learningRate: 0.01, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1, maxGradNorm: 1, gradScale: 1 })
  const own = new Map([...LEAVES].map(([name, size]) => [name, policy.ownState(name, [size ?? packed.count])]))
  const after = await policy.executable('after', (graph) => {
    const leaf = (name: string) => graph.state(name, [LEAVES.get(name) ?? packed.count])
    softUpdate(leaf('packed/weights'), leaf('target'), { tau: 0.3 })
    const state = { sums: leaf('sums'), totals: leaf('totals'), grads: leaf('packed/grads'), kept: leaf('kept') }
    ppoMinibatch(state, { ratioThreshold: 10, vfCoef: 0.1 })
  })
  const before = engine.counters.dispatches
  await (await policy.update()).run()
  await after.run()
  const read = (name: string): Promise<Float32Array> => engine.readF32(own.get(name) ?? expect.unreachable(name), 0, packed.count)
  const values = [await packed.readWeights(), await read('target'), await read('kept')]
  const dispatches = engine.counters.dispatches - before
  await policy.destroy()
  return { values, dispatches }
}

it(`on ${adapterUnderTest()}`, async () => {
  const whole = await trained(null)
  const parts = await trained(SMALL)
  expect(parts.dispatches).toBeGreaterThan(whole.dispatches + 8)
  expect(parts.values).toEqual(whole.values)
  for (const values of whole.values) expect(values.some((value) => value !== 0)).toBe(true)
})
