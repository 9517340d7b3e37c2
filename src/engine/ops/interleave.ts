import { fold, input, u32 } from '../kernel'
import { apply, at, fail } from '../op'
import type { Op } from '../op'
import { floats } from '../tensor'
import type { Tensor } from '../tensor'

/**
 * table[r] = (a[r], b[r], c[r], d[r]) for live targets, so that four quantities per row need one binding. The table is a state.
 * Inputs: a, b, c, d [R], counts, table [R, 4] (changed in place).
 */
export const interleaveOp: Op<null> = {
  name: 'interleave',
  mutates: [5],
  infer: ([a, b, c, d, , table]) => {
    const shape = a?.shape.join()
    const same = [b, c, d].every((other) => other?.shape.join() === shape)
    if (a?.shape.length !== 1 || !same || table?.shape.join() !== [...a.shape, 4].join())
      fail('interleave', 'four [R] and a table [R, 4]', a?.shape, b?.shape, c?.shape, d?.shape, table?.shape)
    return []
  },
  reference: (arrays, specs) => {
    const table = Float64Array.from(at(arrays, 5))
    for (let r = 0; r < Math.min(at(specs, 0).shape[0] ?? 0, at(arrays, 4)[1] ?? 0); r++)
      for (let k = 0; k < 4; k++) table[r * 4 + k] = at(arrays, k)[r] ?? 0
    return [table]
  },
  kernel: (inputs) => {
    const rows = at(inputs, 0).shape[0] ?? 0
    return {
      dispatches: [
        {
          shader: 'gather/interleave',
          bindings: [input(0), input(1), input(2), input(3), input(4), input(5)],
          params: [u32(rows)],
          workgroups: fold(Math.ceil(rows / 64)),
          bytes: 32 * rows,
        },
      ],
    }
  },
  examples: [
    {
      label: 'keeps the tail',
      inputs: [floats(70), floats(70), floats(70), floats(70), { shape: [4], dtype: 'u32' }, floats(70, 4)],
      params: null,
      values: { 4: [80, 66, 1, 0] },
    },
  ],
}

/** Writes four columns [R] into the columns of `table` [R, 4]. */
export function interleave(columns: readonly [Tensor, Tensor, Tensor, Tensor], counts: Tensor, table: Tensor): void {
  apply(interleaveOp, [...columns, counts, table], null)
}
