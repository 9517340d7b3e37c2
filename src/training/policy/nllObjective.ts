/** The objective of imitation: weighted −log p of the target tokens. */
import { accumulateInto } from '../../engine/ops/accumulateInto'
import { weightedNll } from '../../engine/ops/weightedNll'
import { METRICS_LEAF } from './policyPlans'
import type { Objective } from './policyPlans'

/** Reads `weight` [rows]; adds its sums (`NLL_TOTAL`) to the step's metrics. */
export const nll: Objective = ({ graph, batch, rows, ...scores }) => {
  const { dlogp, totals } = weightedNll(scores, graph.batch('weight', [rows]), batch.counts)
  accumulateInto(graph.state(METRICS_LEAF, [4]), totals)
  return { dlogp }
}
