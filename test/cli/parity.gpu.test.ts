/** What `hone parity` measures, all of it within its bounds on the adapter under test. */
import { describe, expect, it } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { adamWQuantities } from '../../src/parity/adamWParity'
import { archerQuantities } from '../../src/training/algorithms/archer/vectors'
import { classicPpoQuantities } from '../../src/training/algorithms/ppo/classicVectors'
import { decoderQuantities, decoders, packedFormats, packedQuantities } from '../../src/parity/decoderParity'
import { dpoQuantities, dpoReferenceQuantities } from '../../src/training/algorithms/dpo/vectors'
import { goldensOf } from '../../src/parity/goldens'
import { grpoQuantities } from '../../src/training/algorithms/grpo/vectors'
import { distance, measureOf, worst, type Quantity } from '../../src/base/quantity'
import { updateQuantities } from '../../src/parity/updateParity'
import { adapterUnderTest, testDevice } from '../support/gpu'
import { projectRoot } from '../support/sources'

const goldens = goldensOf(projectRoot)
const adapter = adapterUnderTest()
const engine = async (): Promise<EngineDevice> => new EngineDevice(await testDevice(), { isSoftware: true })

function expectAllPass(quantities: readonly Quantity[], least: number): void {
  expect(quantities.filter(({ pass }) => !pass)).toEqual([])
  expect(quantities.length).toBeGreaterThanOrEqual(least)
  expect(new Set(quantities.map(({ name }) => name)).size).toBe(quantities.length)
}

describe(`parity on ${adapter}`, () => {
  it.each(decoders)('%s against transformers and peft', async (name) => {
    expectAllPass(await decoderQuantities(name, await engine(), goldens, adapter), 16)
  })

  // SwiftShader compiles a tile for a second: there `hone parity --kernels hardware` does it.
  it.skipIf(adapter === 'swiftshader')('a decoder with the kernels that graphics hardware gets', async () => {
    const hardware = new EngineDevice(await testDevice(), { isSoftware: false })
    expectAllPass(await decoderQuantities('tiny_qwen3', hardware, goldens, adapter), 16)
  })

  it.each(packedFormats)('weights in %s against transformers and peft', async (format) => {
    expectAllPass(await packedQuantities(format, await engine(), goldens, adapter), 14)
  })

  it('AdamW against torch', async () => {
    expectAllPass(await adamWQuantities(await engine(), goldens, adapter), 2)
  })

  it('GRPO against TRL', async () => {
    expectAllPass(await grpoQuantities(await engine(), goldens, adapter), 40)
  })

  it('classic PPO against TRL', async () => {
    expectAllPass(await classicPpoQuantities(await engine(), goldens, adapter), 200)
  })

  it('ArCHer against torch', async () => {
    expectAllPass(await archerQuantities(await engine(), goldens, adapter), 50)
  })

  it('three steps of every algorithm against TRL’s trainers', async () => {
    // SwiftShader is several times slower: one run of each trainer there, `hone parity` does all.
    const few = ['sft, packed', 'grpo', 'grpo, continued', 'dpo', 'steptool-ppo, paper']
    const wants = (name: string): boolean => adapter !== 'swiftshader' || few.includes(name)
    expectAllPass(await updateQuantities(await engine(), goldens, adapter, { wants }), adapter === 'swiftshader' ? 40 : 120)
  })

  it('DPO against TRL, kernels and reference', async () => {
    expectAllPass(await dpoQuantities(await engine(), goldens, adapter), 100)
    expectAllPass(dpoReferenceQuantities(goldens), 100)
  })
})

describe('a quantity', () => {
  const measure = measureOf('someone', adapter)
  const relative = { bound: 'relL2', tolerance: 1e-4 } as const

  it('has the distances it says', () => {
    expect(distance([3, 4.5], [3, 4])).toEqual({ relL2: 0.1, maxAbs: 0.5, maxRel: 0.125 })
    expect(distance([0, 0], [0, 0])).toEqual({ relL2: 0, maxAbs: 0, maxRel: 0 })
  })

  it('fails when a value is off, missing or no number, and when there is nothing to compare', () => {
    expect(measure('same', [1, 2], [1, 2], relative).pass).toBe(true)
    for (const found of [[1, 2.001], [1], [1, Number.NaN], []]) expect(measure('other', found, [1, 2], relative).pass).toBe(false)
    expect(measure('nothing', [], [], relative).pass).toBe(false)
    // One entry far off is not hidden by thousands that are right.
    const many = new Float32Array(1e6).fill(1)
    const one = many.slice()
    one[5] = 1.02
    expect(measure('one far off', one, many, relative)).toMatchObject({ pass: false })
    expect(distance(one, many).relL2).toBeLessThan(1e-4)
  })

  it('of a group is that of its worst', () => {
    const group = [measure('a', [1.01], [1], relative), measure('b', [1], [1], relative), measure('c', [Number.NaN], [1], relative)]
    expect(worst(group).name).toBe('c')
  })
})
