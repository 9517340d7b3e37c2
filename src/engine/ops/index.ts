/** The catalogue of ops. To add one: a shader, a file here, a line below; test/engine/ops.gpu.test.ts walks this list. */
import type { AnyOp } from '../op'
import { accumulateIntoOp } from './accumulateInto'
import { adamWOp, clipFactorOp } from './adamW'
import { addOp } from './add'
import { archerLossOp, utteranceAdvantageOp } from './archerLoss'
import { attentionBackwardOp, attentionOp } from './attention'
import { columnSumOp } from './columnSum'
import { criticLossOp, criticTargetsOp } from './criticLoss'
import { dpoLossOp } from './dpoLoss'
import { dropoutOp } from './dropout'
import { embeddingBackwardOp, embeddingOp } from './embedding'
import { gaeOp } from './gae'
import { gatherRowsOp, scatterRowsOp } from './gatherRows'
import { grpoLossOp } from './grpoLoss'
import { interleaveOp } from './interleave'
import { logProbHiddenGradOp, logProbOp, logProbWeightGradOp } from './logProb'
import { cachedAttentionOp, kvWriteOp } from './kvCache'
import { gatedLinearOp, linearOp } from './linear'
import { matmulNNOp, matmulTNOp } from './matmul'
import { packWeightsOp } from './packWeights'
import { ppoLossOp } from './ppoLoss'
import { ppoMinibatchOp } from './ppoMinibatch'
import { reluBackwardOp, reluOp } from './relu'
import { rmsNormBackwardOp, rmsNormGainBackwardOp, rmsNormOp } from './rmsNorm'
import { ropeOp } from './rope'
import { roundHalfOp } from './roundHalf'
import { sampleOp } from './sample'
import { softUpdateOp } from './softUpdate'
import { stepRewardOp } from './stepReward'
import { swigluBackwardOp, swigluOp } from './swiglu'
import { weightedNllOp } from './weightedNll'
import { whitenOp } from './whiten'

const list = [
  accumulateIntoOp,
  adamWOp,
  addOp,
  archerLossOp,
  attentionBackwardOp,
  attentionOp,
  cachedAttentionOp,
  clipFactorOp,
  columnSumOp,
  criticLossOp,
  criticTargetsOp,
  dpoLossOp,
  dropoutOp,
  embeddingBackwardOp,
  embeddingOp,
  gaeOp,
  gatedLinearOp,
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
  reluBackwardOp,
  reluOp,
  rmsNormBackwardOp,
  rmsNormGainBackwardOp,
  rmsNormOp,
  ropeOp,
  roundHalfOp,
  sampleOp,
  scatterRowsOp,
  softUpdateOp,
  stepRewardOp,
  swigluBackwardOp,
  swigluOp,
  utteranceAdvantageOp,
  weightedNllOp,
  whitenOp,
] as readonly AnyOp[]

export const ops: Readonly<Record<string, AnyOp>> = Object.fromEntries(list.map((op) => [op.name, op]))
