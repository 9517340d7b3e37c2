import { expect, test } from 'vitest'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import { candidates, productClass, type ProductShape } from '../../src/engine/products/productKernels'
import { tuneProducts } from '../../src/engine/products/tuneProducts'
import { testDevice } from '../support/gpu'

/** The first and last as in productVariants.gpu.test.ts: a tile takes a software adapter up to a second to compile. */
const SHAPES: ProductShape[] = [
  { kind: 'nt', columns: 96, inner: 160, format: 'int8' },
  { kind: 'nt', columns: 92, inner: 156, format: 'int8' },
  { kind: 'tn', columns: 160, inner: 96, format: 'f32' },
]
/** Milliseconds that pass at every look: every variant takes the same, but for the clock's own steps. */
const clock = (): (() => number) => {
  let ms = 0
  return () => (ms += 10)
}

test('each class is timed once, in buffers that are gone afterwards, and equal times keep the fixed kernel', async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const allocated = engine.allocatedBytes
  const tuned = await tuneProducts(engine, SHAPES, { now: clock(), rows: 16, runs: 1 })
  expect(tuned.map(({ name }) => name)).toEqual([productClass(SHAPES[0]!), productClass(SHAPES[2]!)])
  for (const { shape, choice, timings } of tuned) {
    const all = candidates(shape, engine)
    expect(timings.map(({ variant }) => variant).sort()).toEqual([...all].sort())
    expect(choice).toBe(all[0])
  }
  expect(engine.allocatedBytes).toBe(allocated)
  expect(engine.products.choices).toEqual({})
})

test('the variant that is clearly faster is chosen', async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const shape = SHAPES[2]!
  const names = candidates(shape, engine)
  // A variant takes six looks at the clock: two to warm up, two to count, two to time.
  let looks = 0
  const now = (): number => {
    const variant = Math.floor(looks / 6)
    const ms = looks++ % 2 === 0 ? 0 : names[variant] === 'tile 32x32' ? 10 : 20
    return ms
  }
  const [tuned] = await tuneProducts(engine, [shape], { now, rows: 16, runs: 1 })
  expect(tuned?.choice).toBe('tile 32x32')
})

test('it stops between variants and leaves nothing behind', async () => {
  const engine = new EngineDevice(await testDevice(), { isSoftware: true })
  const allocated = engine.allocatedBytes
  let asked = 0
  const gate = (): Promise<void> => (++asked > 9 ? Promise.reject(new Error('cancelled')) : Promise.resolve())
  await expect(tuneProducts(engine, SHAPES, { now: clock(), rows: 16, runs: 1, gate })).rejects.toThrow('cancelled')
  expect(engine.allocatedBytes).toBe(allocated)
})
