/** The optimizer alone, on the gradients torch was given. Golden: test/golden/adamw.py. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { PackedState } from '../engine/memory/packedState'
import { Executable } from '../engine/plan/executable'
import { ScratchPool } from '../engine/plan/scratchPool'
import { updatePlan } from '../training/policy/policyPlans'
import type { Goldens } from '../training/parity'
import { measureOf, type Quantity } from '../base/quantity'

const STEPS = 8
const shapes = { matrix: [24, 16], vector: [32] } as const
const names = ['matrix', 'vector'] as const

export async function adamWQuantities(engine: EngineDevice, goldens: Goldens, adapter: string): Promise<Quantity[]> {
  const golden = await goldens.tensors('adamw.safetensors')
  const packed = new PackedState(
    engine,
    names.map((name) => ({ name, shape: shapes[name], decay: name === 'matrix' })),
  )
  const pool = new ScratchPool(engine)
  const rangeOf = (name: string): { buffer: GPUBuffer; offset: number } => {
    const range = packed.lookup(name)
    if (!range) throw new Error(`no state ${name}`)
    return range
  }
  const update = await Executable.create(engine, updatePlan(packed, engine), pool, rangeOf)
  packed.setHyper({ learningRate: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-6, weightDecay: 0.1, maxGradNorm: 0, gradScale: 1 })
  const gradients = new Map<string, Float32Array>()
  for (const name of names) {
    packed.writeWeights(name, await golden.float32(name, shapes[name]))
    gradients.set(name, await golden.float32(`grad.${name}`))
  }
  for (let step = 0; step < STEPS; step++) {
    for (const [name, all] of gradients) {
      const size = all.length / STEPS
      const { buffer, offset } = rangeOf(`grad:${name}`)
      engine.write(buffer, all.subarray(step * size, (step + 1) * size), offset)
    }
    await update.run()
  }
  const measure = measureOf('torch 2.13', adapter)
  const after = packed.unpack(await packed.readWeights())
  const found: Quantity[] = []
  for (const name of names)
    found.push(
      measure(
        `AdamW, eight steps on given gradients: ${name}${name === 'matrix' ? ' with weight decay' : ''}`,
        after.get(name) ?? [],
        await golden.float32(`after.${name}`),
        {
          bound: 'relL2',
          tolerance: 1e-6,
        },
      ),
    )
  update.destroy()
  pool.destroy()
  packed.destroy()
  return found
}
