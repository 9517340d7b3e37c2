/** Every kernel of every op, for every kind of adapter, is WGSL that Dawn takes within WebGPU's default limits. */
import { expect, test } from 'vitest'
import type { KernelContext } from '../../src/engine/kernel'
import { ops } from '../../src/engine/ops'
import { complaint, nullDevice } from './nullDevice'

const shared = { maxBindingBytes: 2 ** 27, accumulate: false } as const
const kinds: Readonly<Record<string, KernelContext>> = {
  hardware: { ...shared, isSoftware: false, subgroupSize: null },
  'software, subgroups of 8': { ...shared, isSoftware: true, subgroupSize: 8 },
  'software, no subgroups': { ...shared, isSoftware: true, subgroupSize: null },
}

test.each(Object.entries(kinds))('kernels for %s', async (_name, context) => {
  const device = await nullDevice()
  const seen = new Set<string>()
  for (const op of Object.values(ops))
    for (const { label, inputs, params } of op.examples)
      for (const dispatch of op.kernel(inputs, op.infer(inputs, params), params, context).dispatches) {
        const { shader, constants, parts } = dispatch
        const pipeline = JSON.stringify([shader, constants, parts])
        if (seen.has(pipeline)) continue
        seen.add(pipeline)
        expect(await complaint(device, dispatch), `${op.name} / ${label}: ${shader}`).toBeNull()
      }
  expect(seen.size).toBeGreaterThan(50)
  device.destroy()
})
