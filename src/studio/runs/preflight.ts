/** A run's pre-flight: everything that can be said before step 0 without a device, in plain words. */
import { architectureOf } from '../../models/languageModel'
import { createChatTemplate } from '../../models/tokenizer/chatTemplate'
import type { LoraMatrices } from '../../models/weights/peft'
import { chosenPath, stepsOf } from '../../records/trajectory'
import { archer } from '../../training/algorithms/archer/loop'
import { rft } from '../../training/algorithms/rft/loop'
import { sft } from '../../training/algorithms/sft/loop'
import { steptoolPpo } from '../../training/algorithms/ppo/loop'
import { trainableEntries, type TrainableSet } from '../../training/policy/policyPlans'
import { initialLora } from '../../training/policy/initialWeights'
import { attemptOutcome } from '../../training/batches/outcome'
import { imitatedPositions, type LossMask } from '../../training/batches/lossMask'
import { checkBatch, checkContext, checkSampler, samplerOf, type Finding } from '../../training/preflight/settingsChecks'
import { checkExport, checkTemplate } from '../../training/preflight/adapterChecks'
import { checkEncoding, checkEnds, checkMask, checkRewards, checkTruncation, type MaskRule } from '../../training/preflight/sequenceChecks'
import { tokenizeTrajectory, ENCODINGS, type TokenizedTrajectory, type TokenizeOptions } from '../../training/batches/tokenizedTrajectory'
import { rftSequenceOptions } from '../../training/algorithms/rft/selection'
import { trainedPositions, UNLABELLED_STEPS } from '../../training/batches/stepRewards'
import { whyUntrainable } from '../dataProblem'
import type { Method } from '../method'
import type { ModelText } from '../models/models'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'

type Config = Readonly<Record<string, unknown>>

export interface PreflightRequest {
  readonly method: Method
  /** With defaults filled in. */
  readonly config: Config
  readonly model: ModelText
  /** null: practice in the starter world, or its expert's transcripts. */
  readonly data: readonly LabelledTrajectory[] | null
  readonly seed: number
  /** How much of trajectories is kept, where that is not the settings' own. */
  readonly limits?: Partial<Pick<TokenizeOptions, 'maxContextLen' | 'maxResponseLen'>>
}

/** Rows that are looked at; all of them count. */
const LOOKED_AT = 512

/** Rows whose encoding is tried: every piece is encoded twice. */
const ENCODED_ROWS = 64
/** Parameters of an adapter that is written whole in the dry run; of larger ones the first layer is. */
const DRY_RUN_PARAMETERS = 8e6

export async function preflight(request: PreflightRequest): Promise<Finding[]> {
  const { method, config, model } = request
  const data = request.data?.slice(0, LOOKED_AT) ?? null
  const limits = { ...limitsOf(method, config), ...request.limits }
  const sequences = data?.map(({ trajectory, rewards }) => tokenizeTrajectory(trajectory, rewards, model.tokenizer, limits))
  const longest = sequences ? sequences.reduce((most, { ids }) => Math.max(most, ids.length), 0) : null
  return [
    checkBatch(config, request.data?.length ?? null),
    checkContext(config, model.config.max_position_embeddings, longest),
    ...(data && sequences ? dataFindings(request, data, sequences) : []),
    ...(data === null && method.name !== sft.name ? [checkSampler(samplerOf(config))] : []),
    ...(typeof model.chatTemplate === 'string' ? [checkTemplate(createChatTemplate(model.chatTemplate))] : []),
    ...(await exportFindings(method.trainable(config), request)),
  ]
}

function dataFindings(
  request: PreflightRequest,
  data: readonly LabelledTrajectory[],
  sequences: readonly TokenizedTrajectory[],
): Finding[] {
  const { method, config, model, seed } = request
  const problem = whyUntrainable(method.name, config, data, model, seed)
  const text = data
    .filter(({ trajectory }) => stepsOf(trajectory).some(({ tokens }) => tokens === null))
    .slice(0, ENCODED_ROWS)
    .map(({ trajectory }) => chosenPath(trajectory).flatMap(({ step }) => [step.prompt, step.completion]))
  return [
    checkTruncation(sequences),
    checkMask(sequences, maskOf(method.name, config)),
    checkEnds(sequences, endIds(model)),
    ...(problem === null ? rewardFindings(method.name, data) : [problemFinding(problem, request)]),
    ...(text.length > 0 ? [checkEncoding(text, model.tokenizer)] : []),
  ]
}

/** What the first rows lack, later ones may have. */
const problemFinding = (problem: string, { data }: PreflightRequest): Finding =>
  (data?.length ?? 0) > LOOKED_AT
    ? { check: 'data', level: 'warning', message: `Among the first ${LOOKED_AT} rows: ${problem}` }
    : { check: 'data', level: 'refusal', message: problem }

/** Rewards as the method reads them: of every step, or of the end alone. Imitation reads none. */
function rewardFindings(method: string, data: readonly LabelledTrajectory[]): Finding[] {
  if (method === sft.name || method === rft.name) return []
  return [
    checkRewards(
      method === steptoolPpo.name || method === archer.name
        ? data.flatMap(({ rewards }) => rewards)
        : data.map(({ trajectory, rewards }) => attemptOutcome(trajectory, rewards)),
    ),
  ]
}

/** How the method cuts trajectories. */
function limitsOf(method: Method, config: Config): TokenizeOptions {
  if (method.name === rft.name) return rftSequenceOptions(rft.config.parse(config))
  if (method.name === sft.name) {
    const budget = sft.config.parse(config).tokens_per_batch
    const maxResponseLen = Math.floor(budget / 4)
    return { maxContextLen: budget - maxResponseLen, maxResponseLen, encoding: 'auto' }
  }
  const length = (name: string): number => {
    const value = config[name]
    return typeof value === 'number' ? value : Number.MAX_SAFE_INTEGER
  }
  return {
    maxContextLen: length('max_context_len'),
    maxResponseLen: length('max_response_len'),
    encoding: ENCODINGS.find((encoding) => encoding === config.encoding) ?? 'auto',
  }
}

function maskOf(method: string, config: Config): MaskRule {
  const imitates = method === sft.name ? sft.config.parse(config) : method === rft.name ? rft.config.parse(config) : null
  if (imitates) return { positions: (sequence) => imitatedPositions(sequence, imitates), whyNone: nothingImitated(imitates) }
  const unlabelled = UNLABELLED_STEPS.find((rule) => rule === config.unlabelled_steps) ?? 'no_score'
  return {
    positions: (sequence) => trainedPositions(sequence, unlabelled),
    whyNone: unlabelled === 'leave_out' ? 'no step that was kept is labelled' : 'every completion was cut away',
  }
}

function nothingImitated({ mask_history, step_filtered = false }: LossMask): string {
  const last = 'mask_history leaves the last turn alone'
  if (!step_filtered) return mask_history ? `${last}, and in every row it is empty` : 'every completion was cut away'
  return mask_history ? `${last}, and in every row it is empty or labelled 0` : 'every step that was kept is labelled 0'
}

/** Of config.json, and the usual names of a message's end. */
function endIds({ config, tokenizer }: ModelText): ReadonlySet<number> {
  const named = ['<|end|>', '<|im_end|>', '<|eot_id|>', '<|endoftext|>', '</s>'].flatMap((name) => tokenizer.tokenId(name) ?? [])
  return new Set([...config.eos_token_ids, ...named])
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
