/** The examples on which the linear layer's kernels are tested. */
import type { OpExample } from '../op'
import { floats } from '../tensor'
import type { DType, TensorSpec } from '../tensor'
import type { LinearParams } from './linearParams'

const stored = (dtype: DType, ...shape: number[]): TensorSpec => ({ shape, dtype })
const counts: TensorSpec = { shape: [4], dtype: 'u32' }
const live = (rows: number): Record<number, number[]> => ({ 2: [rows, rows, 1, 0] })
const plain: LinearParams = { alpha: 1, hasBias: false, hasResidual: false, loraScale: null, rowCount: 'tokens' }

/** Examples of `linearOp`. */
export const linearExamples: readonly OpExample<LinearParams>[] = [
  { label: 'few columns', inputs: [floats(9, 8), floats(12, 8), counts], params: plain, values: live(9) },
  {
    label: 'few columns, many rows',
    inputs: [floats(150, 8), floats(8, 8), counts, floats(8), floats(150, 8)],
    params: { ...plain, alpha: 2, hasBias: true, hasResidual: true },
    values: live(150),
  },
  {
    label: 'bias and residual',
    inputs: [floats(6, 4), floats(40, 4), counts, floats(40), floats(6, 40)],
    params: { alpha: 0.5, hasBias: true, hasResidual: true, loraScale: null, rowCount: 'targets' },
    values: live(6),
  },
  ...(['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
    label: `${format} weights`,
    inputs: [floats(19, 96), stored(format, 36, 96), counts, floats(36)],
    params: { ...plain, hasBias: true },
    values: live(19),
    differentiable: [0],
  })),
  {
    label: 'few columns, a long sum',
    inputs: [floats(9, 1284), floats(8, 1284), counts, floats(8), floats(9, 8)],
    params: { ...plain, alpha: 0.5, hasBias: true, hasResidual: true },
    values: live(9),
    differentiable: [3],
  },
  {
    label: 'a tail that nothing may read',
    inputs: [floats(19, 16), floats(36, 16), counts, floats(36)],
    params: { ...plain, hasBias: true, rowCount: 'targets' },
    values: { 2: [19, 11, 1, 0] },
    liveRows: { 0: 11 },
    definedRows: 11,
    differentiable: [1, 3],
  },
  {
    label: 'odd extents',
    inputs: [floats(5, 7), floats(3, 7), counts, floats(3)],
    params: { ...plain, alpha: 2, hasBias: true },
    values: live(5),
  },
  {
    label: 'an adapter beside everything else',
    inputs: [floats(19, 16), floats(36, 16), counts, floats(36), floats(19, 36), floats(19, 12), floats(36, 12)],
    params: { ...plain, hasBias: true, hasResidual: true, loraScale: 0.5 },
    values: live(19),
  },
  {
    label: 'an adapter of int4 weights, one row',
    inputs: [floats(1, 32), stored('int4', 20, 32), counts, floats(1, 8), floats(20, 8)],
    params: { ...plain, loraScale: 2 },
    values: live(1),
    differentiable: [0, 3, 4],
  },
  {
    label: 'an adapter of odd rank',
    inputs: [floats(5, 8), floats(12, 8), counts, floats(12), floats(5, 3), floats(12, 3)],
    params: { ...plain, hasBias: true, loraScale: 2 },
    values: live(5),
  },
  {
    label: 'an adapter, odd extents, a multiplied product',
    inputs: [floats(5, 7), floats(3, 7), counts, floats(5, 4), floats(3, 4)],
    params: { ...plain, alpha: 2, loraScale: 0.25 },
    values: live(5),
  },
]

/** Examples of `gatedLinearOp`. */
export const gatedExamples: readonly OpExample<LinearParams>[] = [
  { label: 'plain', inputs: [floats(19, 16), floats(36, 16), counts, floats(19, 36)], params: plain, values: live(19) },
  {
    label: 'one row of int4 weights',
    inputs: [floats(1, 32), stored('int4', 20, 32), counts, floats(1, 20)],
    params: plain,
    values: live(1),
  },
  {
    label: 'bias and adapter',
    inputs: [floats(9, 16), floats(36, 16), counts, floats(36), floats(9, 8), floats(36, 8), floats(9, 36)],
    params: { ...plain, hasBias: true, loraScale: 0.5 },
    values: live(9),
  },
  {
    label: 'an adapter of odd rank',
    inputs: [floats(9, 16), floats(36, 16), counts, floats(9, 3), floats(36, 3), floats(9, 36)],
    params: { ...plain, loraScale: 0.5 },
    values: live(9),
  },
  {
    label: 'few columns, a long sum',
    inputs: [floats(9, 1284), floats(8, 1284), counts, floats(9, 8)],
    params: plain,
    values: live(9),
  },
]
