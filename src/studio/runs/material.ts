/** What a training request learns from: trajectories of data sets, an expert's transcripts, or practice of the policy as it is. */
import { requireCallFormat } from '../../agents/callFormats/callFormatFor'
import type { Benchmark } from '../../environments/benchmark'
import type { RunRecord } from '../../records/run'
import type { TrainRequest } from '../../records/requests'
import { stepsOf } from '../../records/trajectory'
import type { Algorithm, TranscriptSource } from '../../training/algorithm'
import { worldOf } from '../worlds/worlds'
import { expertSamples, sendsMessages } from '../../training/batches/expertSamples'
import type { LabelledTrajectory } from '../../training/batches/labelledTrajectory'
import type { Reply } from '../../worker/protocol'
import { openDataSource, readableBy } from '../data/dataSources'
import { heldOutWarning } from '../data/heldOut'
import { accept, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import type { ModelText } from '../models/models'
import { dataHash } from './resume'
import { shuffledRewards } from './shuffledRewards'

export interface Material {
  /** For the run's title. */
  readonly title: string
  readonly benchmark: Benchmark
  /** null without data sets. */
  readonly labelled: readonly LabelledTrajectory[] | null
  /** null without an expert. */
  readonly transcripts: TranscriptSource | null
  readonly isPractice: boolean
  readonly sources: RunRecord['data']
  /** SHA-256 of what is learned from, labels included; null for practice. */
  readonly hash: string | null
  readonly worldHash: string | null
  readonly notes: readonly string[]
}

type Context = Pick<JobContext, 'store' | 'labels' | 'worlds' | 'promptFormatProblem'>

export async function materialOf(
  request: TrainRequest,
  algorithm: Pick<Algorithm, 'title' | 'learnsFrom'>,
  model: ModelText,
  context: Context,
): Promise<Reply<Material>> {
  const known = await context.worlds.benchmark(request.benchmark, worldOf(request))
  if (!known.ok) return known
  const benchmark = known.value
  if (request.data.length > 0) return sourcesOf(request, benchmark, model, context)
  const problem = context.promptFormatProblem(model)
  if (request.expert) return problem === null ? transcriptsOf(request, algorithm, benchmark, model) : refuse('prompt-format', problem)
  if (!algorithm.learnsFrom.includes('rollouts'))
    return refuse('needs-data', `${algorithm.title} learns from trajectories one has: choose a data set. It does not practise by itself.`)
  if (problem !== null) return refuse('prompt-format', problem)
  if (!benchmark.splits.some(({ use }) => use === 'practice'))
    return refuse(
      'no-practice',
      `${benchmark.title} has queries for exams only, so a model cannot practise on it. Choose another benchmark, or data.`,
    )
  return accept({
    ...{ title: `${benchmark.name} practice`, benchmark, labelled: null, transcripts: null, isPractice: true, sources: [], hash: null },
    worldHash: benchmark.environment.hash,
    notes: request.shuffleRewards
      ? ['Step rewards were permuted among the steps of each batch, statuses among its attempts: the null experiment.']
      : [],
  })
}

function transcriptsOf(
  request: TrainRequest,
  algorithm: Pick<Algorithm, 'title' | 'learnsFrom'>,
  benchmark: Benchmark,
  model: ModelText,
): Reply<Material> {
  if (!algorithm.learnsFrom.includes('transcripts'))
    return refuse('needs-data', `${algorithm.title} does not learn from an expert’s transcripts.`)
  if (!benchmark.expert) return refuse('no-expert', `${benchmark.title} has no expert whose transcripts could be imitated.`)
  const format = requireCallFormat(model)
  if (!sendsMessages(format))
    return refuse(
      'prompt-format',
      `The transcripts of ${benchmark.title} are in the compact syntax, and ${model.title} acts in the ${format.name} format: let it practise, or train it on trajectories.`,
    )
  const transcripts = benchmark.expert.transcripts(request.seed, request.expert ?? {})
  const id = `${benchmark.name}-corpus`
  return accept({
    ...{ title: id, benchmark, labelled: null, isPractice: false, notes: [] },
    transcripts: (mask) => expertSamples(transcripts, model.tokenizer, { format, mask }),
    ...{ sources: [{ id, sha256: transcripts.sha256 }], hash: transcripts.sha256, worldHash: benchmark.environment.hash },
  })
}

/** The trajectories of the chosen data sets and of runs' practice in their order, with the rewards their labels resolve to. */
async function sourcesOf(
  request: TrainRequest,
  benchmark: Benchmark,
  model: ModelText,
  { store, labels }: Context,
): Promise<Reply<Material>> {
  const sources: RunRecord['data'] = []
  const names: string[] = []
  const labelled: LabelledTrajectory[] = []
  for (const id of request.data) {
    const source = await openDataSource(store, id)
    if (!source.ok) return source
    sources.push({ id, sha256: source.value.sha256 })
    names.push(source.value.name)
    for (const stored of source.value.trajectories)
      if (stepsOf(stored).length > 0)
        labelled.push({ trajectory: readableBy(source.value, model.id, stored), rewards: await labels.rewards(stored) })
  }
  const title = names.join(', ')
  const chosen = request.rowLimit === null ? labelled : labelled.slice(0, request.rowLimit)
  if (chosen.length === 0) return refuse('empty', `${title} ${names.length === 1 ? 'holds' : 'hold'} no trajectory to train on.`)
  const used = request.shuffleRewards ? shuffledRewards(chosen, request.seed, 0) : chosen
  return accept({
    ...{ title, benchmark, labelled: used, transcripts: null, isPractice: false, sources, hash: dataHash(chosen), worldHash: null },
    notes: notesOn(chosen, labelled.length, request.shuffleRewards === true),
  })
}

function notesOn(chosen: readonly LabelledTrajectory[], of: number, isShuffled: boolean): string[] {
  const unlabelled = chosen.reduce((sum, { rewards }) => sum + rewards.filter((reward) => reward === null).length, 0)
  const steps = chosen.reduce((sum, { rewards }) => sum + rewards.length, 0)
  const heldOut = heldOutWarning(chosen.map(({ trajectory }) => trajectory))
  return [
    ...(chosen.length < of ? [`Trained on the first ${chosen.length} of ${of} trajectories.`] : []),
    ...(unlabelled > 0 ? [`${unlabelled} of ${steps} steps have no label.`] : []),
    ...(heldOut === null ? [] : [heldOut]),
    ...(isShuffled ? ['Rewards and statuses were permuted among the trajectories: the null experiment.'] : []),
  ]
}
