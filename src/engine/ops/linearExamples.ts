/** What the linear layer's kernels are tried on. */
import type { OpExample } from '../op'
import type { DType, TensorSpec } from '../tensor'
import type { LinearParams } from './linear'

const spec = (...shape: number[]): TensorSpec => ({ shape, dtype: 'f32' })
const stored = (dtype: DType, ...shape: number[]): TensorSpec => ({ shape, dtype })
const counts: TensorSpec = { shape: [4], dtype: 'u32' }
const live = (rows: number): Record<number, number[]> => ({ 2: [rows, rows, 1, 0] })
const plain: LinearParams = { alpha: 1, hasBias: false, hasResidual: false, loraScale: null, rowCount: 'tokens' }

export const linearExamples: readonly OpExample<LinearParams>[] = [
  { label: 'few columns', inputs: [spec(9, 8), spec(12, 8), counts], params: plain, values: live(9) },
  {
    label: 'few columns, many rows',
    inputs: [spec(150, 8), spec(8, 8), counts, spec(8), spec(150, 8)],
    params: { ...plain, alpha: 2, hasBias: true, hasResidual: true },
    values: live(150),
  },
  {
    label: 'bias and residual',
    inputs: [spec(6, 4), spec(40, 4), counts, spec(40), spec(6, 40)],
    params: { alpha: 0.5, hasBias: true, hasResidual: true, loraScale: null, rowCount: 'targets' },
    values: live(6),
  },
  ...(['bf16', 'f16', 'int8', 'int4'] as const).map((format) => ({
    label: `${format} weights`,
    inputs: [spec(19, 96), stored(format, 36, 96), counts, spec(36)],
    params: { ...plain, hasBias: true },
    values: live(19),
    differentiable: [0],
  })),
  {
    label: 'few columns, a long sum',
    inputs: [spec(9, 1284), spec(8, 1284), counts, spec(8), spec(9, 8)],
    params: { ...plain, alpha: 0.5, hasBias: true, hasResidual: true },
    values: live(9),
    differentiable: [3],
  },
  {
    label: 'odd extents',
    inputs: [spec(5, 7), spec(3, 7), counts, spec(3)],
    params: { ...plain, alpha: 2, hasBias: true },
    values: live(5),
  },
  {
    label: 'an adapter beside everything else',
    inputs: [spec(19, 16), spec(36, 16), counts, spec(36), spec(19, 36), spec(19, 12), spec(36, 12)],
    params: { ...plain, hasBias: true, hasResidual: true, loraScale: 0.5 },
    values: live(19),
  },
  {
    label: 'an adapter of int4 weights, one row',
    inputs: [spec(1, 32), stored('int4', 20, 32), counts, spec(1, 8), spec(20, 8)],
    params: { ...plain, loraScale: 2 },
    values: live(1),
    differentiable: [0, 3, 4],
  },
  {
    label: 'an adapter of odd rank',
    inputs: [spec(5, 8), spec(12, 8), counts, spec(12), spec(5, 3), spec(12, 3)],
    params: { ...plain, hasBias: true, loraScale: 2 },
    values: live(5),
  },
  {
    label: 'an adapter, odd extents, a multiplied product',
    inputs: [spec(5, 7), spec(3, 7), counts, spec(5, 4), spec(3, 4)],
    params: { ...plain, alpha: 2, loraScale: 0.25 },
    values: live(5),
  },
]

export const gatedExamples: readonly OpExample<LinearParams>[] = [
  { label: 'plain', inputs: [spec(19, 16), spec(36, 16), counts, spec(19, 36)], params: plain, values: live(19) },
  {
    label: 'one row of int4 weights',
    inputs: [spec(1, 32), stored('int4', 20, 32), counts, spec(1, 20)],
    params: plain,
    values: live(1),
  },
  {
    label: 'bias and adapter',
    inputs: [spec(9, 16), spec(36, 16), counts, spec(36), spec(9, 8), spec(36, 8), spec(9, 36)],
    params: { ...plain, hasBias: true, loraScale: 0.5 },
    values: live(9),
  },
  {
    label: 'an adapter of odd rank',
    inputs: [spec(9, 16), spec(36, 16), counts, spec(9, 3), spec(36, 3), spec(9, 36)],
    params: { ...plain, loraScale: 0.5 },
    values: live(9),
  },
  {
    label: 'few columns, a long sum',
    inputs: [spec(9, 1284), spec(8, 1284), counts, spec(9, 8)],
    params: plain,
    values: live(9),
  },
]
