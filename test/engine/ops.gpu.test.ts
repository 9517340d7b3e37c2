/**
 * Walks the catalogue of ops: on this adapter every kernel equals its f64 reference, and every backward equals finite differences of the reference.
 * What is special to an op stands in its own examples and tolerances.
 */
import { describe, expect, it } from 'vitest'
import { createRng } from '../../src/base/random'
import { differentiate } from '../../src/engine/autograd/differentiate'
import { EngineDevice } from '../../src/engine/device/engineDevice'
import type { KernelContext } from '../../src/engine/kernel'
import type { AnyOp, NumberArray, OpExample } from '../../src/engine/op'
import { at, OP_TOLERANCE } from '../../src/engine/op'
import { ops } from '../../src/engine/ops'
import { Executable } from '../../src/engine/plan/executable'
import { planGraph } from '../../src/engine/plan/planGraph'
import { ScratchPool } from '../../src/engine/plan/scratchPool'
import { Graph, sizeOf } from '../../src/engine/tensor'
import type { Tensor, TensorSpec } from '../../src/engine/tensor'
import { isPacked, packWeights, storageOf, unpackWeights } from '../../src/engine/weightFormat'
import { adapterUnderTest, testDevice } from '../support/gpu'

type Example = OpExample<unknown>
/** As software, the engine picks kernels for this adapter; as hardware, those that real GPUs get. */
const KINDS = ['software', 'hardware'] as const

/** The kinds for which an op has kernels of its own. */
function kindsOf(op: AnyOp): readonly (typeof KINDS)[number][] {
  const kernels = KINDS.map((kind) => {
    const context: KernelContext = {
      ...{ maxBindingBytes: 2 ** 27, isSoftware: kind === 'software', accumulate: false },
      subgroupSize: kind === 'software' ? 4 : null,
    }
    return JSON.stringify(op.examples.map(({ inputs, params }) => op.kernel(inputs, op.infer(inputs, params), params, context)))
  })
  return new Set(kernels).size > 1 ? KINDS : KINDS.slice(0, 1)
}

async function engine(isSoftware = true): Promise<EngineDevice> {
  return new EngineDevice(await testDevice(), { isSoftware })
}

function exampleArrays(op: AnyOp, example: Example): (Float32Array | Uint32Array)[] {
  const rng = createRng(7, op.name.length, example.label.length)
  return example.inputs.map((spec, index) => {
    const given = example.values?.[index]
    const size = sizeOf(spec.shape)
    if (spec.dtype === 'u32') {
      if (!given) throw new Error(`${op.name}: example ${example.label} gives no values for u32 input ${index}`)
      return Uint32Array.from({ length: size }, (_, i) => given[i] ?? 0)
    }
    const values = Float32Array.from({ length: size }, (_, i) => given?.[i] ?? rng.normal())
    const live = example.liveRows?.[index]
    if (live !== undefined) values.fill(Number.NaN, (size / (spec.shape[0] ?? 1)) * live)
    return isPacked(spec.dtype) ? packWeights(values, spec.dtype) : values
  })
}

/** What the reference is given: numbers in place of packed weights. */
const widened = (example: Example, arrays: readonly (Float32Array | Uint32Array)[]): NumberArray[] =>
  arrays.map((array, index) => {
    const { dtype, shape } = at(example.inputs, index)
    return array instanceof Uint32Array && isPacked(dtype) ? Float64Array.from(unpackWeights(array, sizeOf(shape), dtype)) : widen(array)
  })

/** What the GPU left in an output: numbers in place of packed weights. */
async function readTensor(device: EngineDevice, executable: Executable, name: string, { dtype, size }: Tensor): Promise<Float32Array> {
  if (!isPacked(dtype)) return executable.readOutput(name, size)
  const words = await device.read(executable.outputBuffer(name), 0, storageOf(dtype, size).total)
  return unpackWeights(new Uint32Array(words), size, dtype)
}

/** Runs one op on the GPU; returns its outputs and the new values of mutated inputs. */
async function runOp(
  device: EngineDevice,
  op: AnyOp,
  example: Example,
  arrays: readonly (Float32Array | Uint32Array)[],
  withBackward: boolean,
) {
  const graph = new Graph()
  const leaves = example.inputs.map((spec, index) => graph.batch(`in${index}`, spec.shape, spec.dtype))
  const mutated = op.mutates ?? []
  const inputs = leaves.map((leaf, index) => (mutated.includes(index) ? graph.state(`state${index}`, leaf.shape, leaf.dtype) : leaf))
  const outputs = graph.add(op, inputs, example.params)
  outputs.forEach((tensor, index) => graph.output(`out${index}`, tensor))
  const gradients: { index: number; tensor: Tensor }[] = []
  if (withBackward) {
    const seed = graph.batch('seed', at(outputs, 0).shape)
    const wrt = differentiableInputs(example)
    const grads = differentiate(
      [{ output: at(outputs, 0), grad: seed }],
      wrt.map((index) => at(inputs, index)),
    )
    grads.forEach((tensor, position) => {
      const index = at(wrt, position)
      if (!tensor) throw new Error(`${op.name}: no gradient for input ${index}`)
      gradients.push({ index, tensor: tensor === seed ? seed : graph.output(`grad${index}`, tensor) })
    })
  }
  const states = new Map<string, GPUBuffer>()
  for (const index of mutated) {
    const buffer = device.createBuffer(`state${index}`, at(arrays, index).byteLength)
    device.write(buffer, at(arrays, index))
    states.set(`state${index}`, buffer)
  }
  const pool = new ScratchPool(device)
  const executable = await Executable.create(device, planGraph(graph, device), pool, (name) => {
    const buffer = states.get(name)
    if (!buffer) throw new Error(name)
    return { buffer, offset: 0 }
  })
  arrays.forEach((array, index) => executable.write(`in${index}`, array))
  return { executable, outputs, gradients, states, mutated }
}

function differentiableInputs(example: Example): number[] {
  return [...(example.differentiable ?? example.inputs.flatMap((spec, index) => (spec.dtype === 'f32' ? [index] : [])))]
}

/** The elements of an output that belong to defined rows. */
function defined<Values extends NumberArray>({ definedRows }: Example, rows: number, values: Values): Values {
  return definedRows === undefined ? values : (values.subarray(0, (values.length / rows) * definedRows) as Values)
}

/** Relative L2 error; both all-zero is 0. */
function relativeError(found: NumberArray, expected: NumberArray): number {
  let difference = 0
  let norm = 0
  expected.forEach((value, index) => {
    difference += (value - (found[index] ?? Number.NaN)) ** 2
    norm += value ** 2
  })
  return Math.sqrt(difference) / Math.max(Math.sqrt(norm), 1e-12)
}

function numericGradient(op: AnyOp, example: Example, arrays: readonly NumberArray[], index: number, seed: Float64Array): Float64Array {
  const step = 1e-5
  const inputs = arrays.map((array) => (array instanceof Uint32Array ? array : Float64Array.from(array)))
  const target = at(inputs, index)
  const value = (): number =>
    // Rows that are not defined get no cotangent, and may hold NaN.
    at(op.reference(inputs, example.inputs, example.params), 0).reduce((sum, y, i) => (seed[i] ? sum + y * seed[i] : sum), 0)
  return Float64Array.from({ length: target.length }, (_, i) => {
    const original = target[i] ?? 0
    target[i] = original + step
    const above = value()
    target[i] = original - step
    const below = value()
    target[i] = original
    return (above - below) / (2 * step)
  })
}

describe(`ops on ${adapterUnderTest()}`, () => {
  for (const op of Object.values(ops)) {
    const tolerance = { ...OP_TOLERANCE, ...op.tolerance }
    it.runIf(op.examples.length > 0).each(kindsOf(op))(`${op.name}: %s kernel equals reference`, async (kind) => {
      const device = await engine(kind === 'software')
      for (const example of op.examples) {
        const arrays = exampleArrays(op, example)
        const { executable, outputs, states, mutated } = await runOp(device, op, example, arrays, false)
        await executable.run()
        const expected = op.reference(widened(example, arrays), example.inputs, example.params)
        for (const [index, tensor] of outputs.entries()) {
          const rows = at(at(outputs, 0).shape, 0)
          const found = defined(example, rows, await readTensor(device, executable, `out${index}`, tensor))
          const error = relativeError(found, defined(example, rows, at(expected, index)))
          expect(error, `${op.name} / ${example.label} / output ${index}`).toBeLessThan(tolerance.output)
        }
        for (const [position, index] of mutated.entries()) {
          const { dtype, shape } = at(example.inputs, index)
          const words = await device.read(at([states.get(`state${index}`)], 0) as GPUBuffer, 0, at(arrays, index).byteLength)
          const found = isPacked(dtype) ? unpackWeights(new Uint32Array(words), sizeOf(shape), dtype) : new Float32Array(words)
          expect(
            relativeError(found, at(expected, outputs.length + position)),
            `${op.name} / ${example.label} / state ${index}`,
          ).toBeLessThan(tolerance.mutated)
        }
        executable.destroy()
      }
    })

    it.runIf(op.backward !== undefined)(`${op.name}: backward equals finite differences`, async () => {
      const device = await engine()
      for (const example of op.examples) {
        const arrays = exampleArrays(op, example)
        const { executable, outputs, gradients } = await runOp(device, op, example, arrays, true)
        const rng = createRng(11)
        const seed = Float64Array.from({ length: at(outputs, 0).size }, () => rng.normal())
        seed.fill(0, defined(example, at(at(outputs, 0).shape, 0), seed).length)
        executable.write('seed', Float32Array.from(seed))
        await executable.run()
        for (const { index, tensor } of gradients) {
          // A gradient may be the cotangent itself (a sum, a residual): then there is nothing to read.
          const found = tensor.source.kind === 'leaf' ? Float32Array.from(seed) : await executable.readOutput(`grad${index}`, tensor.size)
          const expected = numericGradient(op, example, widened(example, arrays), index, Float64Array.from(Float32Array.from(seed)))
          expect(relativeError(found, expected), `${op.name} / ${example.label} / gradient ${index}`).toBeLessThan(tolerance.gradient)
        }
        executable.destroy()
      }
    })
  }

  it('every op has examples, or says which test covers it', () => {
    const without = Object.values(ops).filter((op) => op.examples.length === 0 && op.testedBy === undefined)
    expect(without.map((op) => op.name)).toEqual([])
  })

  it('wrong shapes throw an error that names the op', () => {
    const graph = new Graph()
    const bad = (index: number): TensorSpec => ({ shape: [index + 2, 3, 5], dtype: 'f32' })
    for (const op of Object.values(ops)) {
      const inputs = Array.from({ length: 7 }, (_, index) => graph.batch(`${op.name}${index}`, bad(index).shape))
      const example = op.examples[0]
      if (example) expect(() => op.infer(inputs, example.params), op.name).toThrow(op.name)
    }
  })
})

function widen(array: Float32Array | Uint32Array): NumberArray {
  return array instanceof Uint32Array ? array : Float64Array.from(array)
}
