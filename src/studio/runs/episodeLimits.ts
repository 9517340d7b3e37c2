/** How long an attempt may grow with a model: benchmarks count in the shortest format, and others need more. */
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import { compact } from '../../agents/callFormats/compact'
import type { EpisodeLimits } from '../../environments/benchmark'
import type { ModelText } from '../models/loadedModel'
import type { GenerationLimits } from './policyBackend'

/** Six tools as JSON Schemas take some 1,000 tokens, and their replies follow. */
const LEAST_CONTEXT = 4096
/** Of a turn: JSON of several calls, or reasoning. */
const LEAST_NEW_TOKENS = 512

/**
 * The benchmark's own limits for the compact format; for the others at least room for JSON, as far as the model reads.
 * @param model null: a server's, which speaks JSON and knows its own limit.
 */
export function limitsFor({ maxContext, maxNewTokens }: EpisodeLimits, model: ModelText | null): GenerationLimits {
  const choice = model && callFormatFor(model)
  if (choice && (!choice.ok || choice.format.name === compact.name)) return { maxContext, maxNewTokens }
  const context = Math.min(model?.config.max_position_embeddings ?? Infinity, Math.max(maxContext, LEAST_CONTEXT))
  return { maxContext: context, maxNewTokens: Math.min(Math.ceil(context / 2), Math.max(maxNewTokens, LEAST_NEW_TOKENS)) }
}
