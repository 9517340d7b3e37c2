/** Checks a run before step 0, as far as that is possible without a device, and reports in plain words. */
import { architectureOf } from '../../models/languageModel'
import { createChatTemplate } from '../../models/tokenizer/chatTemplate'
import type { LoraMatrices } from '../../models/weights/peft'
import { chosenPath, stepsOf } from '../../records/trajectory'
import { trainableEntries, type TrainableSet } from '../../training/policy/policyPlans'
import { initialLora } from '../../training/policy/initialWeights'
import { attemptOutcome } from '../../training/batches/outcome'
import { checkBatch, checkContext, checkSampler, samplerOf, type Finding } from '../../training/preflight/settingsChecks'
import { checkExport, checkTemplate } from '../../training/preflight/adapterChecks'
import { checkEncoding, checkEnds, checkMask, checkRewards, checkTruncation, type EndTokens } from '../../training/preflight/sequenceChecks'
import type { ConfiguredAlgorithm } from '../../training/algorithm'
import type { TokenizedTrajectory } from '../../training/batches/tokenizedTrajectory'
import type { ModelText } from '../models/models'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

export interface PreflightRequest {
  readonly configured: ConfiguredAlgorithm
  readonly model: ModelText
  /** null: rollouts, or an expert's transcripts. */
  readonly data: readonly LabelledTrajectory[] | null
  /** Whether an expert's transcripts are imitated: nothing is sampled then. */
  readonly hasTranscripts?: boolean
  readonly seed: number
  /** Milliseconds of a clock that is never set back. */
  readonly clock: () => number
}

/** Rows that are looked at; all of them count. */
const LOOKED_AT = 512

/** Rows whose encoding is tried: every piece is encoded twice. */
const ENCODED_ROWS = 64
/** Parameters of an adapter that is written whole in the dry run; of larger ones the first layer is. */
const DRY_RUN_PARAMETERS = 8e6

export async function preflight(request: PreflightRequest): Promise<Finding[]> {
  const { configured, model, hasTranscripts = false } = request
  const { settings } = configured
  const data = request.data?.slice(0, LOOKED_AT) ?? null
  const sequences = data ? configured.tokenize(data, model.tokenizer) : null
  const longest = sequences ? sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0) : null
  return [
    checkBatch(settings, request.data?.length ?? null),
    checkContext(settings, model.config.max_position_embeddings, longest),
    ...(data && sequences ? dataFindings(request, data, sequences) : []),
    ...(data === null && !hasTranscripts ? [checkSampler(samplerOf(settings))] : []),
    ...(typeof model.chatTemplate === 'string' ? [checkTemplate(createChatTemplate(model.chatTemplate, request.clock))] : []),
    ...(await exportFindings(configured.trainable, request)),
  ]
}

function dataFindings(
  request: PreflightRequest,
  data: readonly LabelledTrajectory[],
  sequences: readonly TokenizedTrajectory[],
): Finding[] {
  const { configured, model, seed } = request
  const problem = configured.checkData(data, model, seed)
  const text = data
    .filter(({ trajectory }) => stepsOf(trajectory).some(({ tokens }) => tokens === null))
    .slice(0, ENCODED_ROWS)
    .map(({ trajectory }) => chosenPath(trajectory).flatMap(({ step }) => [step.prompt, step.completion]))
  return [
    checkTruncation(sequences, configured.settings),
    checkMask(sequences, configured.preflight.mask),
    checkEnds(sequences, endTokens(model)),
    ...(problem === null ? rewardFindings(configured, data) : [problemFinding(problem, request)]),
    ...configured.preflight.checks(sequences),
    ...(text.length > 0 ? [checkEncoding(text, model.tokenizer)] : []),
  ]
}

/** What the first rows lack, later ones may have. */
const problemFinding = (problem: string, { data }: PreflightRequest): Finding =>
  (data?.length ?? 0) > LOOKED_AT
    ? { check: 'data', level: 'warning', message: `Among the first ${LOOKED_AT} rows: ${problem}` }
    : { check: 'data', level: 'refusal', message: problem }

/** Rewards as the algorithm reads them: of every step, or of the end alone. */
function rewardFindings({ preflight: { rewards: read } }: ConfiguredAlgorithm, data: readonly LabelledTrajectory[]): Finding[] {
  if (read === 'none') return []
  return [
    checkRewards(
      read === 'steps'
        ? data.flatMap(({ rewards }) => rewards)
        : data.map(({ trajectory, rewards }) => attemptOutcome(trajectory, rewards)),
    ),
  ]
}

/** Of config.json, and the usual names of a message's end. */
function endTokens({ config, tokenizer }: ModelText): EndTokens {
  const named = ['<|end|>', '<|im_end|>', '<|eot_id|>', '<|endoftext|>', '</s>'].flatMap((name) => tokenizer.tokenId(name) ?? [])
  return { ends: new Set([...config.eos_token_ids, ...named]), isSpace: (id) => /^\s+$/.test(tokenizer.decode([id])) }
}

async function exportFindings(trainable: TrainableSet, { model, seed }: PreflightRequest): Promise<Finding[]> {
  if (trainable.kind === 'all') return []
  const entries = trainableEntries(model.config, trainable)
  const count = entries.reduce((sum, { shape }) => sum + shape.reduce((product, extent) => product * extent, 1), 0)
  const kept = count > DRY_RUN_PARAMETERS ? entries.filter(({ name }) => name.includes('.layers.0.')) : entries
  const modules = new Map<string, LoraMatrices>()
  for (const { name, shape } of kept) {
    const path = /^(.+)\.lora_A\.weight$/.exec(name)?.[1]
    const other = kept.find((entry) => entry.name === `${path ?? ''}.lora_B.weight`)
    if (path === undefined || !other) continue
    modules.set(path, {
      a: initialLora(name, shape, seed),
      b: initialLora(other.name, other.shape, seed),
      inFeatures: shape[1] ?? 0,
      outFeatures: other.shape[0] ?? 0,
    })
  }
  const { rank, alpha, useRslora = false, dropout = 0 } = trainable.lora
  const adapter = { rank, alpha, dropout, useRslora, baseModel: model.title, revision: null, modules }
  return [await checkExport(adapter, architectureOf(model.config).parameters(model.config))]
}
