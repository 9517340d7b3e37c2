import { fold, input, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import type { Tensor } from '../tensor'
import { NO_SLOT } from './kvCache'

/** Words of one slot's state. shaders/common/slot_state.wgsl declares the same and says what each is. */
export const SLOT_WORDS = 20
/** Which word of a slot’s state holds what. */
export const SLOT = {
  id: 0,
  position: 1,
  active: 2,
  count: 3,
  maxNew: 4,
  seedLow: 5,
  seedHigh: 6,
  query: 7,
  sample: 8,
  version: 9,
  temperature: 10,
  stop: 11,
  reason: 15,
  topK: 16,
  topP: 17,
  minP: 18,
  penalty: 19,
} as const

/** Words of the bits that say which tokens a context holds. */
export const seenWords = (vocabulary: number): number => Math.ceil(vocabulary / 32)

export interface SampleParams {
  /** New tokens a slot's record has room for. */
  readonly limit: number
  /** Columns of the logits that are tokens. */
  readonly vocabulary: number
}

/**
 * Draws each row's next token and advances its slot, all on the GPU. Inputs: logits [R, V], row slots u32 [R], counts, then in
 * place: slot state u32 [S, 20], more rows of which may hold the bits of tokens each slot has seen (without, there is no repetition
 * penalty), ids, positions, slots u32 [S], record u32 [S, limit, 2]. The uniform is Philox keyed by
 * (seed; position, version, sample, query): never by the slot or the batch.
 */
export const sampleOp: Op<SampleParams> = {
  name: 'sample',
  mutates: [3, 4, 5, 6, 7],
  infer: ([logits, rowSlots, , state], { vocabulary }) => {
    if (
      logits?.shape.length !== 2 ||
      at(logits.shape, 1) < vocabulary ||
      rowSlots?.shape[0] !== logits.shape[0] ||
      state?.shape[1] !== SLOT_WORDS
    )
      fail('sample', 'logits [R, V], row slots [R], slot state [S, 20]', logits?.shape, state?.shape)
    return []
  },
  reference: (arrays, specs, { vocabulary }) => {
    // Greedy only: the meaning of a draw, filtered or not, needs Philox and is tested on its own, against the TypeScript generator.
    const [rows = 0, columns = 0] = at(specs, 0).shape
    const [state, ids, positions, slots, record] = [3, 4, 5, 6, 7].map((index) => Float64Array.from(at(arrays, index)))
    if (!state || !ids || !positions || !slots || !record) throw new Error('sample: five arrays are changed in place')
    const limit = at(specs, 7).shape[1] ?? 0
    for (let r = 0; r < Math.min(rows, at(arrays, 2)[1] ?? 0); r++) {
      const slot = at(arrays, 1)[r] ?? NO_SLOT
      const base = slot * SLOT_WORDS
      if (slot === NO_SLOT || state[base + SLOT.active] === 0) continue
      const z = Array.from({ length: vocabulary }, (_, v) => at(arrays, 0)[r * columns + v] ?? 0)
      const best = Math.max(...z)
      const token = z.indexOf(best)
      const logp = -Math.log(z.reduce((sum, value) => sum + Math.exp(value - best), 0))
      const count = state[base + SLOT.count] ?? 0
      record[(slot * limit + count) * 2] = token
      record[(slot * limit + count) * 2 + 1] = new Uint32Array(Float32Array.of(logp).buffer)[0] ?? 0
      const position = (state[base + SLOT.position] ?? 0) + 1
      state[base + SLOT.id] = token
      state[base + SLOT.position] = position
      state[base + SLOT.count] = count + 1
      ids[slot] = token
      positions[slot] = position
      slots[slot] = slot
      const stops = [0, 1, 2, 3].map((offset) => state[base + SLOT.stop + offset])
      const reason = stops.includes(token) ? 1 : count + 1 >= (state[base + SLOT.maxNew] ?? 0) ? 2 : 0
      if (reason !== 0) {
        state[base + SLOT.active] = 0
        state[base + SLOT.reason] = reason
        slots[slot] = NO_SLOT
      }
    }
    return [state, ids, positions, slots, record]
  },
  kernel: (inputs, _outputs, params) => {
    const [rows = 0, columns = 0] = at(inputs, 0).shape
    const { vocabulary } = params
    const [stateRows = 0] = at(inputs, 3).shape
    const [slots = 0] = at(inputs, 4).shape
    return {
      dispatches: [
        {
          shader: 'generate/sample',
          constants: {
            V: vocabulary,
            COLUMNS: columns,
            LIMIT: params.limit,
            SEEN: stateRows > slots ? seenWords(vocabulary) : 0,
          },
          bindings: [0, 1, 2, 3, 4, 5, 6, 7].map((index) => input(index)),
          params: [u32(rows), u32(slots * SLOT_WORDS)],
          workgroups: fold(rows),
          flops: 8 * rows * vocabulary,
          bytes: 8 * rows * vocabulary,
        },
      ],
    }
  },
  // Log-probabilities are stored as bits, which a relative error says nothing about.
  examples: [],
  testedBy: 'test/models/sample.gpu.test.ts',
}

export interface SampleState {
  readonly slotState: Tensor
  readonly ids: Tensor
  readonly positions: Tensor
  readonly slots: Tensor
  readonly record: Tensor
}

/** Draws the next token of every row of logits [R, V] and advances its slot in place; see `sampleOp`. */
export function sample(logits: Tensor, rowSlots: Tensor, counts: Tensor, state: SampleState, params: SampleParams): void {
  apply(sampleOp, [logits, rowSlots, counts, state.slotState, state.ids, state.positions, state.slots, state.record], params)
}
