/** The catalogue of ops. To add one: a shader, a file here, a line below; test/engine/ops.gpu.test.ts walks this list. */
import type { AnyOp } from '../op'
import { accumulateIntoOp } from './accumulateInto'
import { adamWOp, clipFactorOp } from './adamW'
import { addOp } from './add'
import { attentionBackwardOp, attentionOp } from './attention'
import { columnSumOp } from './columnSum'
import { embeddingBackwardOp, embeddingOp } from './embedding'
import { gatherRowsOp, scatterRowsOp } from './gatherRows'
import { logProbHiddenGradOp, logProbOp, logProbWeightGradOp } from './logProb'
import { linearOp, matmulNNOp, matmulTNOp } from './matmul'
import { rmsNormBackwardOp, rmsNormGainBackwardOp, rmsNormOp } from './rmsNorm'
import { ropeOp } from './rope'
import { swigluBackwardOp, swigluOp } from './swiglu'
import { weightedNllOp } from './weightedNll'

const list = [
  accumulateIntoOp,
  adamWOp,
  addOp,
  attentionBackwardOp,
  attentionOp,
  clipFactorOp,
  columnSumOp,
  embeddingBackwardOp,
  embeddingOp,
  gatherRowsOp,
  linearOp,
  logProbHiddenGradOp,
  logProbOp,
  logProbWeightGradOp,
  matmulNNOp,
  matmulTNOp,
  rmsNormBackwardOp,
  rmsNormGainBackwardOp,
  rmsNormOp,
  ropeOp,
  scatterRowsOp,
  swigluBackwardOp,
  swigluOp,
  weightedNllOp,
] as readonly AnyOp[]

export const ops: Readonly<Record<string, AnyOp>> = Object.fromEntries(list.map((op) => [op.name, op]))
