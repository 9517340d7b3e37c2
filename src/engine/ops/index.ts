/** The catalogue of ops. To add one: a shader, a file here, a line below; test/engine/ops.gpu.test.ts walks this list. */
import type { AnyOp } from '../op'
import { accumulateIntoOp } from './accumulateInto'
import { adamWOp, clipFactorOp } from './adamW'
import { addOp } from './add'
import { attentionBackwardOp, attentionOp } from './attention'
import { columnSumOp } from './columnSum'
import { dpoLossOp } from './dpoLoss'
import { embeddingBackwardOp, embeddingOp } from './embedding'
import { gaeOp } from './gae'
import { gatherRowsOp, scatterRowsOp } from './gatherRows'
import { grpoLossOp } from './grpoLoss'
import { interleaveOp } from './interleave'
import { logProbHiddenGradOp, logProbOp, logProbWeightGradOp } from './logProb'
import { cachedAttentionOp, kvWriteOp } from './kvCache'
import { linearOp, matmulNNOp, matmulTNOp } from './matmul'
import { packWeightsOp } from './packWeights'
import { ppoLossOp } from './ppoLoss'
import { ppoMinibatchOp } from './ppoMinibatch'
import { rmsNormBackwardOp, rmsNormGainBackwardOp, rmsNormOp } from './rmsNorm'
import { ropeOp } from './rope'
import { roundHalfOp } from './roundHalf'
import { sampleOp } from './sample'
import { stepRewardOp } from './stepReward'
import { swigluBackwardOp, swigluOp } from './swiglu'
import { weightedNllOp } from './weightedNll'
import { whitenOp } from './whiten'

const list = [
  accumulateIntoOp,
  adamWOp,
  addOp,
  attentionBackwardOp,
  attentionOp,
  cachedAttentionOp,
  clipFactorOp,
  columnSumOp,
  dpoLossOp,
  embeddingBackwardOp,
  embeddingOp,
  gaeOp,
  gatherRowsOp,
  grpoLossOp,
  interleaveOp,
  kvWriteOp,
  linearOp,
  logProbHiddenGradOp,
  logProbOp,
  logProbWeightGradOp,
  matmulNNOp,
  matmulTNOp,
  packWeightsOp,
  ppoLossOp,
  ppoMinibatchOp,
  rmsNormBackwardOp,
  rmsNormGainBackwardOp,
  rmsNormOp,
  ropeOp,
  roundHalfOp,
  sampleOp,
  scatterRowsOp,
  stepRewardOp,
  swigluBackwardOp,
  swigluOp,
  weightedNllOp,
  whitenOp,
] as readonly AnyOp[]

export const ops: Readonly<Record<string, AnyOp>> = Object.fromEntries(list.map((op) => [op.name, op]))
