/** What must hold of every plan, checked on the real plans of a real model, without a GPU. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bindingKinds, shaderSource } from '../../src/engine/device/shaders'
import { sizeClass, type Place } from '../../src/engine/plan/places'
import { planGraph } from '../../src/engine/plan/planGraph'
import type { Plan } from '../../src/engine/plan/planGraph'
import { accumulateInto } from '../../src/engine/ops/accumulateInto'
import { attention } from '../../src/engine/ops/attention'
import { linear } from '../../src/engine/ops/linear'
import { swiglu } from '../../src/engine/ops/swiglu'
import { logProb } from '../../src/engine/ops/logProb'
import { weightedNll } from '../../src/engine/ops/weightedNll'
import { differentiate } from '../../src/engine/autograd/differentiate'
import { Graph } from '../../src/engine/tensor'
import { parseModelConfig } from '../../src/models/architectures/config'
import { batchTensors, headWeight } from '../../src/models/architectures/decoder'
import { architectureOf } from '../../src/models/languageModel'

const LIMIT = { maxBindingBytes: 128 << 20, isSoftware: false, subgroupSize: null }
const config = (vocabulary: number) =>
  parseModelConfig({
    model_type: 'qwen2',
    vocab_size: vocabulary,
    hidden_size: 64,
    intermediate_size: 96,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    tie_word_embeddings: true,
    max_position_embeddings: 256,
  })

/** Forward, loss and backward of all parameters of a two-layer model. */
function trainingPlan(vocabulary: number, tokens: number, rows: number): Plan {
  const model = config(vocabulary)
  const graph = new Graph()
  const batch = batchTensors(graph, tokens, vocabulary)
  const architecture = architectureOf(model)
  const hidden = architecture.forward({ graph, config: model, batch, lora: null })
  const scores = logProb(hidden, headWeight(graph, model), graph.batch('targetIds', [tokens], 'u32'), batch.counts)
  const { dlogp, totals } = weightedNll(scores, graph.batch('weight', [rows]), batch.counts)
  graph.output('totals', totals)
  const names = Object.entries(architecture.parameters(model))
  const grads = differentiate(
    [{ output: scores.logp, grad: dlogp }],
    names.map(([name, shape]) => graph.state(name, shape)),
  )
  names.forEach(([name, shape], index) => {
    const grad = grads[index]
    if (grad) accumulateInto(graph.state(`grad:${name}`, shape), grad)
  })
  return planGraph(graph, LIMIT)
}

const keyOf = (place: Place): string => (place.kind === 'slot' ? `slot ${place.slot}` : `${place.kind} ${place.name}`)

describe('a training plan', () => {
  const plan = trainingPlan(4096, 256, 256)

  it('never binds one buffer for reading and for writing in the same dispatch', () => {
    for (const { dispatch, bindings, op } of plan.dispatches) {
      const kinds = bindingKinds(shaderSource(dispatch.shader, dispatch.constants, dispatch.parts))
      const written = bindings.flatMap((binding, index) => (kinds[index] === 'storage' ? [keyOf(binding.place)] : []))
      const read = bindings.flatMap((binding, index) => (kinds[index] === 'read-only-storage' ? [keyOf(binding.place)] : []))
      expect(
        written.filter((key) => read.includes(key)),
        `${op} ${dispatch.shader}`,
      ).toEqual([])
      expect(new Set(written).size, `${op} writes one buffer twice`).toBe(written.length)
    }
  })

  it('reads from a slot only what the last writer of that slot left for it', () => {
    // Every read of a slot must come after a write to it: a read before any write would see another plan's data.
    const writtenSlots = new Set<string>()
    for (const { dispatch, bindings, op } of plan.dispatches) {
      const kinds = bindingKinds(shaderSource(dispatch.shader, dispatch.constants, dispatch.parts))
      bindings.forEach((binding, index) => {
        if (kinds[index] === 'read-only-storage' && binding.place.kind === 'slot')
          expect(writtenSlots.has(keyOf(binding.place)), `${op} reads an unwritten slot`).toBe(true)
      })
      bindings.forEach((binding, index) => {
        if (kinds[index] === 'storage') writtenSlots.add(keyOf(binding.place))
      })
    }
  })

  it('keeps offsets, sizes and workgroup counts within WebGPU limits', () => {
    for (const { dispatch, bindings } of plan.dispatches) {
      for (const binding of bindings) {
        expect(binding.offset % 256).toBe(0)
        expect(binding.size % 16).toBe(0)
      }
      for (const count of dispatch.workgroups) expect(count).toBeLessThanOrEqual(65_535)
    }
  })

  it('adds gradients into their buffers without a pass of their own', () => {
    const own = plan.dispatches.filter((planned) => planned.op === 'accumulateInto')
    expect(own.map((planned) => planned.bindings.map((binding) => keyOf(binding.place)))).toEqual([])
    const targets = new Set(
      plan.dispatches.flatMap((planned) =>
        planned.bindings.flatMap((binding) =>
          binding.place.kind === 'state' && binding.place.name.startsWith('grad:') ? [binding.place.name] : [],
        ),
      ),
    )
    expect(targets.size).toBe(Object.keys(architectureOf(config(4096)).parameters(config(4096))).length)
  })

  it('reports the scratch bytes it will ask for', () => {
    expect(plan.memory.scratch).toBe(plan.slots.reduce((sum, size) => sum + size, 0))
    for (const size of plan.slots) expect(sizeClass(size)).toBe(size)
  })
})

it('the loss never holds all logits: a vocabulary 16 times larger costs chunks, not rows × vocabulary', () => {
  const small = trainingPlan(4096, 256, 256)
  const large = trainingPlan(65_536, 256, 256)
  // 256 rows × 65,536 × 4 bytes would be 64 MiB; the chunk is 2048 wide.
  expect(large.memory.scratch - small.memory.scratch).toBeLessThan(4 << 20)
  expect(Math.max(...large.slots)).toBeLessThan(256 * 65_536 * 4)
})

it('activations over the device limit are refused before anything is allocated', () => {
  const graph = new Graph()
  const x = graph.batch('x', [1024, 65_536])
  graph.output('y', linear(x, graph.state('w', [4, 65_536]), graph.batch('counts', [4], 'u32')))
  expect(() => planGraph(graph, LIMIT)).toThrow(/linear binds 268435456 bytes at once, but this device allows 134217728/)
})

it('a frozen base gets no weight gradients, and what nobody reads is not computed', () => {
  const graph = new Graph()
  const counts = graph.batch('counts', [4], 'u32')
  const x = graph.batch('x', [32, 16])
  const a = graph.state('a', [16, 16])
  const h = linear(x, a, counts)
  const y = linear(h, graph.state('b', [16, 16]), counts)
  linear(h, graph.state('unread', [16, 16]), counts)
  const [grad] = differentiate([{ output: y, grad: graph.batch('dy', [32, 16]) }], [a])
  expect(grad).not.toBeNull()
  if (grad) graph.output('grad', grad)
  expect(planGraph(graph, LIMIT).dispatches.map((planned) => planned.op)).toEqual(['matmulNN', 'matmulTN'])
})

describe('a gate', () => {
  function plan({ isRead = false, isTrained = false }): string[] {
    const graph = new Graph()
    const counts = graph.batch('counts', [4], 'u32')
    const x = linear(graph.batch('in', [32, 16]), graph.state('first', [16, 16]), counts)
    const up = linear(x, graph.state('up', [16, 16]), counts)
    const y = swiglu(linear(x, graph.state('gate', [16, 16]), counts), up)
    if (isRead) graph.output('up', up)
    const [dx] = isTrained ? differentiate([{ output: y, grad: graph.batch('dy', [32, 16]) }], [x]) : []
    if (dx) graph.output('dx', dx)
    graph.output('y', linear(y, graph.state('last', [16, 16]), counts))
    return planGraph(graph, LIMIT).dispatches.map(({ op }) => op)
  }

  it('is taken in the layer before it', () => {
    expect(plan({})).toEqual(['linear', 'linear', 'gatedLinear', 'linear'])
  })

  it('is taken on its own where the host or a gradient reads what it gates', () => {
    expect(plan({ isRead: true })).toContain('swiglu')
    expect(plan({ isTrained: true })).toContain('swiglu')
  })
})

describe('gradients that meet at a tensor', () => {
  // y = x aᵀ + x bᵀ + x cᵀ: three products meet at dx.
  function plan(readTwice: boolean): Plan {
    const graph = new Graph()
    const counts = graph.batch('counts', [4], 'u32')
    const x = linear(graph.batch('in', [32, 16]), graph.state('first', [16, 16]), counts)
    const grads = ['a', 'b', 'c'].map((name) => ({
      output: linear(x, graph.state(name, [16, 16]), counts),
      grad: graph.batch(`d${name}`, [32, 16]),
    }))
    const [dx] = differentiate(grads, [x])
    if (!dx) throw new Error('no gradient')
    if (readTwice) graph.output('parts', dx)
    // Read by an op, not an output: an output has a buffer of its own.
    graph.output('y', linear(dx, graph.state('last', [16, 16]), counts))
    return planGraph(graph, LIMIT)
  }

  it('are summed where the first of them was made', () => {
    const { dispatches } = plan(false)
    expect(dispatches.map(({ op }) => op)).toEqual(['matmulNN', 'matmulNN', 'matmulNN', 'linear'])
    const written = dispatches.slice(0, 3).map(({ bindings }) => keyOf(bindings.at(-1)?.place ?? { kind: 'output', name: 'none' }))
    expect(new Set(written).size).toBe(1)
    expect(dispatches.slice(0, 3).map(({ dispatch }) => dispatch.constants?.ACCUMULATE)).toEqual([0, 1, 1])
    expect(dispatches[3]?.bindings.map(({ place }) => keyOf(place))).toContain(written[0])
  })

  it('are summed apart where somebody else reads the sum', () => {
    const ops = plan(true).dispatches.map(({ op }) => op)
    expect(ops.filter((op) => op === 'add')).toHaveLength(1)
  })
})

it('shapes that do not fit are refused with both shapes', () => {
  const graph = new Graph()
  const counts = graph.batch('counts', [4], 'u32')
  expect(() => linear(graph.batch('x', [2, 3]), graph.state('w', [4, 5]), counts)).toThrow(
    'linear: expected x [M, K] and w [N, K] with the same K, found [2, 3] and [4, 5]',
  )
  const q = graph.batch('q', [4, 16])
  expect(() =>
    attention(q, graph.batch('k', [4, 7]), q, graph.batch('spans', [5, 2], 'u32'), { heads: 4, kvHeads: 2, headDim: 4 }),
  ).toThrow('attention: expected')
})

describe('every shader file', () => {
  const root = join(import.meta.dirname, '../../shaders')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.wgsl') && !/^(common|weights.(f32|bf16|f16|int8|int4)|reduce.total_)/.test(file),
  )

  it.each(files)('%s fits the limits every adapter has, and says what it computes', (file) => {
    // Any size of tile will do.
    const source = shaderSource(
      file.replace(/\.wgsl$/, '').replaceAll('\\', '/'),
      {
        ...{ QUADS: 2, ROWS: 2, COLUMNS: 2, R: 2, HD4: 2, LANES: 32, ROW_QUADS: 2, COLUMN_QUADS: 2, BLOCKS_M: 2, BLOCKS_N: 2 },
        ...{ SUBGROUP: 8, PARTS: 1, HOISTED: 2, TAIL: 4, TAIL_QUADS: 1, BLOCKS: 2, UNROLL: 2, LORA: 1 },
      },
      {
        weights: 'weights/int4',
        lora: 'matmul/lora',
        total: 'reduce/total_workgroup',
        element: 'matmul/element_f16',
        matrix: 'matmul/subgroup_matrix',
        cache: 'generate/cache_read_f32',
      },
    )
    expect(source).not.toMatch(/#repeat|#end/)
    const kinds = bindingKinds(source)
    expect(kinds.filter((kind) => kind !== 'uniform').length).toBeLessThanOrEqual(8)
    expect(kinds.findIndex((kind) => kind === 'uniform')).toBeOneOf([-1, kinds.length - 1])
    expect(readFileSync(join(root, file), 'utf8').startsWith('//')).toBe(true)
    const literal = /@workgroup_size\((\d+)\)/.exec(source)
    if (literal) expect(Number(literal[1])).toBeLessThanOrEqual(256)
  })
})
