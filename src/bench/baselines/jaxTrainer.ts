/** Trains the problem in jax-js as its users would write it: one jitted function maps weights, moments and batch to the next ones. */
import type { numpy } from '@jax-js/jax'
import { architectureOf } from '../../models/languageModel'
import type { Jax } from './jax'
import type { TrainProblem } from '../trainProblem'

type Tensor = numpy.Array
type Tensors = Record<string, Tensor>

export interface BenchTrainer {
  /** One optimizer step; resolves when the GPU is done. */
  step(): Promise<void>
  /** The loss of the last step, before its update. */
  loss(): Promise<number>
  destroy(): Promise<void>
}

/**
 * The problem's model and optimizer on jax-js, starting from its weights.
 * Arrays in jax-js are used up by what they are passed to; `.ref` keeps one.
 */
export async function createJaxTrainer(jax: Jax, problem: TrainProblem): Promise<BenchTrainer> {
  const { numpy: np, blockUntilReady } = jax
  const { weights: initial, decays } = await readWeights(jax, problem)
  let weights = initial
  const batch = batchOf(jax, problem)
  const next = jax.jit(updateStep(jax, problem, decays))
  const zeros = (): Tensors => mapTensors(weights, (weight) => np.zerosLike(weight.ref))
  let [first, second] = [zeros(), zeros()]
  let time = np.array(1)
  let loss: Tensor | null = null
  return {
    async step() {
      loss?.dispose()
      const inputs = mapTensors(batch, (tensor) => tensor.ref)
      ;[weights, first, second, time, loss] = next(weights, first, second, time, inputs)
      await blockUntilReady([...Object.values(weights), loss])
    },
    async loss() {
      const values: unknown = await loss?.ref.data()
      return values instanceof Float32Array ? (values[0] ?? Number.NaN) : Number.NaN
    },
    async destroy() {
      await blockUntilReady(Object.values(weights))
      for (const tensor of [...Object.values(weights), ...Object.values(first), ...Object.values(second), ...Object.values(batch), time])
        tensor.dispose()
      loss?.dispose()
      next.dispose()
    },
  }
}

const mapTensors = (from: Tensors, make: (tensor: Tensor, name: string) => Tensor): Tensors =>
  Object.fromEntries(Object.entries(from).map(([name, tensor]) => [name, make(tensor, name)]))

function take(from: Tensors, name: string): Tensor {
  const tensor = from[name]
  if (!tensor) throw new Error(`no tensor ${name}`)
  return tensor
}

/** The initial weights by name; `decays` names the matrices, which have weight decay. */
async function readWeights({ numpy: np }: Jax, problem: TrainProblem): Promise<{ weights: Tensors; decays: ReadonlySet<string> }> {
  const { config } = problem
  const weights: Tensors = {}
  const decays = new Set<string>()
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config))) {
    weights[name] = np.array(Float32Array.from(await problem.weights.read(name, shape))).reshape([...shape])
    if (shape.length === 2) decays.add(name)
  }
  return { weights, decays }
}

/** Ids, targets and loss weights [tokens], and rotary tables [1, length, 1, head size]. */
function batchOf({ numpy: np }: Jax, { config, sequences, rope }: TrainProblem): Tensors {
  const { head_dim: headDim } = config
  const [count, length] = [sequences.length, sequences[0]?.length ?? 0]
  const ids = sequences.flat()
  const share = 1 / (count * (length - 1))
  const half = headDim / 2
  const table = (values: Float32Array): Tensor =>
    np
      .array(Float32Array.from({ length: length * headDim }, (_, i) => values[Math.floor(i / headDim) * half + (i % half)] ?? 0))
      .reshape([1, length, 1, headDim])
  return {
    ids: np.array(Int32Array.from(ids), { dtype: np.int32 }),
    targets: np.array(
      Int32Array.from(ids, (_, i) => ids[i + 1] ?? 0),
      { dtype: np.int32 },
    ),
    weight: np.array(Float32Array.from(ids, (_, i) => ((i + 1) % length === 0 ? 0 : share))),
    cos: table(rope.cos),
    sin: table(rope.sin),
  }
}

/** The decoder's mean loss as a function of weights and batch. */
function lossFunction({ numpy: np, nn }: Jax, { config, sequences }: TrainProblem): (p: Tensors, b: Tensors) => Tensor {
  const { hidden_size: hidden, head_dim: headDim, num_attention_heads: heads, num_key_value_heads: kvHeads } = config
  const [count, length] = [sequences.length, sequences[0]?.length ?? 0]
  const linear = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => {
    const y = np.matmul(x, np.transpose(weight))
    return bias ? y.add(bias) : y
  }
  const norm = (x: Tensor, gain: Tensor): Tensor => {
    const square = np.mean(x.ref.mul(x.ref), -1, { keepdims: true })
    return x.mul(np.reciprocal(np.sqrt(square.add(config.rms_norm_eps)))).mul(gain)
  }
  const rotate = (x: Tensor, cos: Tensor, sin: Tensor): Tensor => {
    const [first, second] = np.split(x.ref, 2, -1)
    if (!first || !second) throw new Error('a head is split in two')
    return x.mul(cos).add(np.concatenate([np.negative(second), first], -1).mul(sin))
  }
  const layerOf = (p: Tensors, layer: number, input: Tensor, cos: Tensor, sin: Tensor): Tensor => {
    let x = input
    const of = (part: string): Tensor => take(p, `model.layers.${layer}.${part}`)
    const project = (y: Tensor, part: string): Tensor => linear(y, of(`self_attn.${part}.weight`), of(`self_attn.${part}.bias`))
    const a = norm(x.ref, of('input_layernorm.weight'))
    const q = rotate(project(a.ref, 'q_proj').reshape([count, length, heads, headDim]), cos.ref, sin.ref)
    const k = rotate(project(a.ref, 'k_proj').reshape([count, length, kvHeads, headDim]), cos.ref, sin.ref)
    const v = project(a, 'v_proj').reshape([count, length, kvHeads, headDim])
    const o = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([count * length, hidden])
    x = x.add(linear(o, of('self_attn.o_proj.weight')))
    const m = norm(x.ref, of('post_attention_layernorm.weight'))
    const gated = nn.silu(linear(m.ref, of('mlp.gate_proj.weight'))).mul(linear(m, of('mlp.up_proj.weight')))
    return x.add(linear(gated, of('mlp.down_proj.weight')))
  }
  return (p, b) => {
    const [cos, sin] = [take(b, 'cos'), take(b, 'sin')]
    const embedding = take(p, 'model.embed_tokens.weight')
    let x = np.take(embedding.ref, take(b, 'ids'), 0)
    for (let layer = 0; layer < config.num_hidden_layers; layer++) x = layerOf(p, layer, x, cos, sin)
    cos.dispose()
    sin.dispose()
    const logits = np.matmul(norm(x, take(p, 'model.norm.weight')), np.transpose(embedding))
    const logSum = nn.logsumexp(logits.ref, -1)
    // One-hot instead of takeAlongAxis: jit refuses the latter's gradient (0.1.25).
    const picked = np.sum(logits.mul(nn.oneHot(take(b, 'targets'), config.vocab_size)), -1)
    return np.sum(logSum.sub(picked).mul(take(b, 'weight')))
  }
}

type State = [weights: Tensors, first: Tensors, second: Tensors, time: Tensor, loss: Tensor]

/** One AdamW step as a function of weights, both moments, the step's number and the batch. */
function updateStep(
  jax: Jax,
  problem: TrainProblem,
  decays: ReadonlySet<string>,
): (p: Tensors, first: Tensors, second: Tensors, time: Tensor, b: Tensors) => State {
  const { numpy: np, valueAndGrad } = jax
  const { learningRate, beta1, beta2, eps, weightDecay } = problem.hyper
  const lossOf = lossFunction(jax, problem)
  return (p, first, second, time, b) => {
    const [loss, grads] = valueAndGrad(lossOf)(
      mapTensors(p, (weight) => weight.ref),
      b,
    )
    const [corrected1, corrected2] = [np.subtract(1, np.power(beta1, time.ref)), np.subtract(1, np.power(beta2, time.ref))]
    const m = mapTensors(p, (_, name) =>
      take(first, name)
        .mul(beta1)
        .add(take(grads, name).ref.mul(1 - beta1)),
    )
    const v = mapTensors(p, (_, name) => {
      const grad = take(grads, name)
      return take(second, name)
        .mul(beta2)
        .add(grad.ref.mul(grad).mul(1 - beta2))
    })
    const moved = mapTensors(p, (weight, name) => {
      const step = take(m, name)
        .ref.div(corrected1.ref)
        .mul(learningRate)
        .div(np.sqrt(take(v, name).ref.div(corrected2.ref)).add(eps))
      return (decays.has(name) ? weight.mul(1 - learningRate * weightDecay) : weight).sub(step)
    })
    corrected1.dispose()
    corrected2.dispose()
    return [moved, m, v, time.add(1), loss]
  }
}
