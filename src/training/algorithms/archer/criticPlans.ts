/**
 * Double critics of utterances (ArCHer, `archer/models/critic.py`): Q1 and Q2 of an observation and an action, V1 and V2 of an observation,
 * each two ReLU layers and a number. Layers have torch's names there (`critic1.0.weight` …). Plans alone; archerCritic.ts holds the buffers.
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

/** In the order of the columns of `criticTargets`. */
export const CRITICS = ['critic1', 'critic2', 'v_critic1', 'v_critic2'] as const
type Critic = (typeof CRITICS)[number]

/** State leaves: the target critics' weights, packed as the critics' own; sums of an iteration. */
export const TARGETS_LEAF = 'critic/targets'
export const TARGET_PREFIX = 'target:'
export const criticSumsLeaf = (critic: number): string => `critic/sums ${critic}`
export const ADVANTAGE_SUMS_LEAF = 'critic/advantages'

export interface CriticShape {
  /** Width of an observation's features, and of an action's. */
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

/** torch's nn.Linear: weight and bias U(±1/√in), each critic its own draw. */
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

/** What a batch of utterances is to the critics; features past the live rows may be anything. */
interface CriticBatch {
  readonly graph: Graph
  /** [N, features] of the observation. */
  readonly observation: Tensor
  readonly counts: Tensor
  /** [N, 2 · features]: the observation, then it with an action. */
  pair(name: string): Tensor
}

export interface CriticPlans {
  /**
   * One batch: both kinds of critics against their targets, gradients added to the packed ones, sums to `criticSumsLeaf`. Batch leaves:
   * observation, next [N, features], acted and fresh [N, 2 · features], transition [N, 4], counts.
   */
  learn(rows: number): Plan
  /** The optimizer step. */
  update(): Plan
  /** Target critics a share τ nearer to the critics. */
  blend(tau: number): Plan
  /** Leaves `advantage` [N] of fresh actions. Batch leaves: observation, fresh, counts. */
  advantage(rows: number): Plan
}

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

/** [N, 1] of one critic. */
function criticValue({ graph, counts }: CriticBatch, { hidden }: CriticShape, critic: Critic, x: Tensor, prefix = ''): Tensor {
  const layer = (y: Tensor, index: number, out: number): Tensor =>
    linear(y, graph.state(`${prefix}${critic}.${index}.weight`, [out, y.shape[1] ?? 0]), counts, {
      bias: graph.state(`${prefix}${critic}.${index}.bias`, [out]),
    })
  return layer(relu(layer(relu(layer(x, 0, hidden)), 2, hidden)), 4, 1)
}

/** Losses of all four critics against the targets, and their gradients added to the packed ones. */
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
