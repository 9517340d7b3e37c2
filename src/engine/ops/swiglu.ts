import { fold, input, output, u32 } from '../kernel'
import { apply, at, fail, only } from '../op'
import type { Binding, Dispatch } from '../kernel'
import type { Op } from '../op'
import { floats, sizeOf } from '../tensor'
import type { Tensor } from '../tensor'

/** silu(g) = g / (1 + exp(−g)). */
export const silu = (g: number): number => g / (1 + Math.exp(-g))

/** The dispatch that computes y = silu(gate) · up for `size` elements. */
export function gateDispatch(size: number, gate: Binding, up: Binding, y: Binding): Dispatch {
  const count = size / 4
  return {
    shader: 'elementwise/swiglu',
    bindings: [gate, up, y],
    params: [u32(count)],
    workgroups: fold(Math.ceil(count / 64)),
    flops: 24 * count,
    bytes: 48 * count,
  }
}

/** y = silu(gate) · up (Shazeer 2020). Inputs: gate and up, of equal shape, with a size that is a multiple of 4. */
export const swigluOp: Op<null> = {
  name: 'swiglu',
  infer: ([gate, up]) => {
    if (!gate || gate.shape.join() !== up?.shape.join() || sizeOf(gate.shape) % 4 !== 0)
      fail('swiglu', 'two equal shapes', gate?.shape, up?.shape)
    return [{ shape: gate.shape, dtype: 'f32' }]
  },
  reference: ([gate, up]) => [Float64Array.from(gate ?? [], (g, i) => silu(g) * (up?.[i] ?? 0))],
  kernel: (inputs) => ({ dispatches: [gateDispatch(sizeOf(at(inputs, 0).shape), input(0), input(1), output(0))] }),
  backward: ({ grads, inputs }) => {
    const dy = at(grads, 0)
    return dy ? apply(swigluBackwardOp, [dy, at(inputs, 0), at(inputs, 1)], null) : []
  },
  examples: [{ label: 'values', inputs: [floats(3, 8), floats(3, 8)], params: null }],
}

/** dgate and dup of swiglu, with the shape of gate. Inputs: dy, gate and up, of equal shape. */
export const swigluBackwardOp: Op<null> = {
  name: 'swigluBackward',
  infer: ([dy, gate, up]) => {
    if (!gate || gate.shape.join() !== up?.shape.join() || gate.shape.join() !== dy?.shape.join())
      fail('swigluBackward', 'dy, gate and up of one shape', dy?.shape, gate?.shape, up?.shape)
    return [
      { shape: gate.shape, dtype: 'f32' },
      { shape: gate.shape, dtype: 'f32' },
    ]
  },
  reference: ([dy, gate, up]) => {
    const sigmoid = (g: number): number => 1 / (1 + Math.exp(-g))
    return [
      Float64Array.from(gate ?? [], (g, i) => (dy?.[i] ?? 0) * (up?.[i] ?? 0) * sigmoid(g) * (1 + g * (1 - sigmoid(g)))),
      Float64Array.from(gate ?? [], (g, i) => (dy?.[i] ?? 0) * g * sigmoid(g)),
    ]
  },
  kernel: (inputs) => {
    const count = sizeOf(at(inputs, 1).shape) / 4
    return {
      dispatches: [
        {
          shader: 'elementwise/swiglu_backward',
          bindings: [input(0), input(1), input(2), output(0), output(1)],
          params: [u32(count)],
          workgroups: fold(Math.ceil(count / 64)),
          flops: 48 * count,
          bytes: 80 * count,
        },
      ],
    }
  },
  examples: [{ label: 'values', inputs: [floats(3, 8), floats(3, 8), floats(3, 8)], params: null }],
}

/** y = silu(gate) · up for tensors of equal shape. */
export function swiglu(gate: Tensor, up: Tensor): Tensor {
  return only(apply(swigluOp, [gate, up], null))
}
