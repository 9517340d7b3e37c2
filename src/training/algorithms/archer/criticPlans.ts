/**
 * Double critics of utterances (ArCHer, `archer/models/critic.py`): Q1 and Q2 of an observation and an action, V1 and V2 of an observation,
 * each with two ReLU layers and one output. Layers have the names of that file (`critic1.0.weight` …). The buffers are in critic.ts.
 */
import { createRng } from '../../../base/random'
import { packedLayout } from '../../../engine/memory/packedState'
import type { PackedEntry, PackedLayout } from '../../../engine/memory/packedState'
import { accumulateInto } from '../../../engine/ops/accumulateInto'
import { utteranceAdvantage, ADVANTAGE_SUM_WORDS } from '../../../engine/ops/archerLoss'
import { criticLoss, criticTargets, CRITIC_SUM_WORDS, TRANSITION_WORDS } from '../../../engine/ops/criticLoss'
import { linear } from '../../../engine/ops/linear'
import { relu } from '../../../engine/ops/relu'
import { softUpdate } from '../../../engine/ops/softUpdate'
import { planGraph } from '../../../engine/plan/planGraph'
import type { Plan, PlanContext } from '../../../engine/plan/planGraph'
import { Graph, sizeOf } from '../../../engine/tensor'
import type { Tensor } from '../../../engine/tensor'
import { addGradients, updatePlan } from '../../policy/policyPlans'

/** The critics, in the order of the columns of `criticTargets`. */
export const CRITICS = ['critic1', 'critic2', 'v_critic1', 'v_critic2'] as const
type Critic = (typeof CRITICS)[number]

/** The state leaves of the target critics' weights [n], packed as the critics' own, and of the sums of an iteration. */
export const TARGETS_LEAF = 'critic/targets'
export const TARGET_PREFIX = 'target:'
export const criticSumsLeaf = (critic: number): string => `critic/sums ${critic}`
export const ADVANTAGE_SUMS_LEAF = 'critic/advantages'

export interface CriticShape {
  /** The number of features of an observation, and of an action. */
  readonly features: number
  readonly hidden: number
}

const isOfAction = (critic: Critic): boolean => critic === 'critic1' || critic === 'critic2'

export function criticEntries({ features, hidden }: CriticShape): PackedEntry[] {
  return CRITICS.flatMap((critic) => {
    const layer = (index: number, out: number, inner: number): PackedEntry[] => [
      { name: `${critic}.${index}.weight`, shape: [out, inner], decay: true },
      { name: `${critic}.${index}.bias`, shape: [out], decay: false },
    ]
    return [...layer(0, hidden, isOfAction(critic) ? 2 * features : features), ...layer(2, hidden, hidden), ...layer(4, 1, hidden)]
  })
}

/** Initial weights as in torch's nn.Linear: weight and bias are U(±1/√in), drawn for each critic separately. */
export function initialCritic(name: string, { features, hidden }: CriticShape, seed: number): Float32Array {
  const entries = criticEntries({ features, hidden })
  const index = entries.findIndex((entry) => entry.name === name)
  const weight = entries[index - (index % 2)]
  const shape = entries[index]?.shape
  if (!weight || !shape) throw new Error(`the critics have no ${name}`)
  const bound = 1 / Math.sqrt(weight.shape[1] ?? 1)
  const rng = createRng(seed, CRITIC_STREAM, index)
  return Float32Array.from({ length: sizeOf(shape) }, () => (2 * rng.uniform() - 1) * bound)
}
const CRITIC_STREAM = 271

/** The leaves of a batch of utterances; features past the live rows may be anything. */
interface CriticBatch {
  readonly graph: Graph
  /** [N, features] of the observation. */
  readonly observation: Tensor
  readonly counts: Tensor
  /** [N, 2 · features]: the features of the observation, then those of the observation with an action. */
  pair(name: string): Tensor
}

export interface CriticPlans {
  /**
   * Computes the losses of all critics on a batch against their targets, adds the gradients to the packed gradients [n] and the sums to
   * `criticSumsLeaf`. Batch leaves: observation, next [N, features], acted and fresh [N, 2 · features], transition [N, 4], counts.
   */
  learn(rows: number): Plan
  /** The optimizer step on the packed weights, gradients and moments [n]. */
  update(): Plan
  /** Moves the target critics' weights [n] towards the critics' by the fraction τ. */
  blend(tau: number): Plan
  /** Computes `advantage` [N] of fresh actions. Batch leaves: observation [N, features], fresh [N, 2 · features], counts. */
  advantage(rows: number): Plan
}

/** The plans of the critics, made for a device; `rows` is the number of utterances N that a batch has room for. */
export function criticPlans(shape: CriticShape, gamma: number, context: PlanContext): CriticPlans {
  const layout = packedLayout(criticEntries(shape))
  return {
    learn: (rows) => learnPlan(shape, layout, rows, gamma, context),
    update: () => updatePlan(layout, context),
    blend(tau) {
      const graph = new Graph()
      softUpdate(graph.state('packed/weights', [layout.count]), graph.state(TARGETS_LEAF, [layout.count]), { tau })
      return planGraph(graph, context)
    },
    advantage: (rows) => advantagePlan(shape, rows, context),
  }
}

function criticBatch({ features }: CriticShape, rows: number): CriticBatch {
  const graph = new Graph()
  return {
    graph,
    observation: graph.batch('observation', [rows, features]),
    counts: graph.batch('counts', [4], 'u32'),
    pair: (name) => graph.batch(name, [rows, 2 * features]),
  }
}

/** The output [N, 1] of one critic. */
function criticValue({ graph, counts }: CriticBatch, { hidden }: CriticShape, critic: Critic, x: Tensor, prefix = ''): Tensor {
  const layer = (y: Tensor, index: number, out: number): Tensor =>
    linear(y, graph.state(`${prefix}${critic}.${index}.weight`, [out, y.shape[1] ?? 0]), counts, {
      bias: graph.state(`${prefix}${critic}.${index}.bias`, [out]),
    })
  return layer(relu(layer(relu(layer(x, 0, hidden)), 2, hidden)), 4, 1)
}

/** Plans `CriticPlans.learn`. */
function learnPlan(shape: CriticShape, layout: PackedLayout, rows: number, gamma: number, context: PlanContext): Plan {
  const batch = criticBatch(shape, rows)
  const { graph, counts, observation } = batch
  const [acted, fresh, next] = [batch.pair('acted'), batch.pair('fresh'), graph.batch('next', [rows, shape.features])]
  const transition = graph.batch('transition', [rows, TRANSITION_WORDS])
  const target = (critic: Critic, x: Tensor): Tensor => criticValue(batch, shape, critic, x, TARGET_PREFIX)
  const y = criticTargets(
    {
      ...{ v1: target('v_critic1', next), v2: target('v_critic2', next) },
      ...{ q1: target('critic1', fresh), q2: target('critic2', fresh) },
    },
    transition,
    counts,
    { gamma },
  )
  const seeds = CRITICS.map((critic, index) => {
    const output = criticValue(batch, shape, critic, isOfAction(critic) ? acted : observation)
    const { dx, sums: own } = criticLoss(output, y, transition, counts, { column: index as 0 | 1 | 2 | 3 })
    return { output, grad: dx, own }
  })
  addGradients(graph, layout, seeds)
  seeds.forEach(({ own }, index) => {
    accumulateInto(graph.state(criticSumsLeaf(index), [CRITIC_SUM_WORDS]), own)
  })
  return planGraph(graph, context)
}

function advantagePlan(shape: CriticShape, rows: number, context: PlanContext): Plan {
  const batch = criticBatch(shape, rows)
  const fresh = batch.pair('fresh')
  const value = (critic: Critic, x: Tensor): Tensor => criticValue(batch, shape, critic, x)
  const { advantage, sums } = utteranceAdvantage(
    {
      ...{ q1: value('critic1', fresh), q2: value('critic2', fresh) },
      ...{ v1: value('v_critic1', batch.observation), v2: value('v_critic2', batch.observation) },
    },
    batch.counts,
  )
  batch.graph.output('advantage', advantage)
  accumulateInto(batch.graph.state(ADVANTAGE_SUMS_LEAF, [ADVANTAGE_SUM_WORDS]), sums)
  return planGraph(batch.graph, context)
}
