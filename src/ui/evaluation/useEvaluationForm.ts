/** What the form of a new evaluation holds, and the request it makes. */
import { useState } from 'react'
import type { BenchmarkDescription, GivenWorld, JobRequest, ModelRow, StudioDescription } from '../../worker/protocol'
import { useModels } from '../queries/models'
import { useBenchmark } from '../queries/worlds'
import { useServer, type ServerForm } from '../servers/useServer'
import { useDescription } from '../stores/studio'

export type EvaluateRequest = Extract<JobRequest, { kind: 'evaluate' }>

/** Fields of how an attempt spends its calls, which the studio fills where they are left out. */
type Chosen = 'maxCalls' | 'maxModelCalls' | 'strategySettings'

function firstRequest(description: StudioDescription): EvaluateRequest {
  const benchmark = description.benchmarks.find(({ name }) => name === description.defaults.benchmark)
  const splits = Object.keys(benchmark?.splits ?? {})
  return {
    kind: 'evaluate',
    model: '',
    adapterOf: null,
    benchmark: benchmark?.name ?? '',
    split: splits.find((split) => split === 'exam') ?? splits[0] ?? '',
    strategy: description.defaults.strategy,
    limit: 48,
    temperature: 0,
    seed: 1,
  }
}

/** What a link asks to evaluate. */
export interface EvaluationPreset {
  readonly model: string
  /** The run whose adapter is used; empty: none. */
  readonly adapterOf: string
}

export interface EvaluationForm {
  readonly request: EvaluateRequest
  readonly change: (patch: Partial<EvaluateRequest>) => void
  /** Sets a field that may be left out; undefined leaves it out. */
  readonly choose: <K extends Chosen>(field: K, value: EvaluateRequest[K] | undefined) => void
  /** Another strategy has settings and a limit of its own. */
  readonly chooseStrategy: (name: string) => void
  /** What the user gives the benchmark. */
  readonly give: (given: GivenWorld) => void
  readonly benchmark: BenchmarkDescription | undefined
  readonly given: GivenWorld
  /** Why the benchmark could not be made from what was given. */
  readonly benchmarkProblem: string | null
  readonly models: readonly ModelRow[]
  /** The model behind a server, while one is chosen; null: the model is one of the studio's. */
  readonly server: ServerForm | null
  readonly chooseServer: (isChosen: boolean) => void
}

export function useEvaluationForm(preset: EvaluationPreset): EvaluationForm {
  const description = useDescription()
  const models = useModels().data ?? NO_MODELS
  const server = useServer('agent')
  const [isServer, setServer] = useState(false)
  const [changes, setChanges] = useState<Partial<EvaluateRequest>>({})
  const model = models.find((one) => one.model_id === preset.model) ?? models[0]
  const request: EvaluateRequest = {
    ...firstRequest(description),
    ...(model ? { model: model.model_id } : {}),
    ...(preset.adapterOf === '' ? {} : { adapterOf: preset.adapterOf }),
    ...changes,
  }
  const change = (patch: Partial<EvaluateRequest>): void => {
    setChanges((now) => ({ ...now, ...patch }))
  }
  const choose: EvaluationForm['choose'] = (field, value) => {
    setChanges(({ [field]: _, ...now }) => (value === undefined ? now : { ...now, [field]: value }))
  }
  const chooseStrategy = (strategy: string): void => {
    setChanges(({ strategySettings: _, maxModelCalls: __, ...now }) => ({ ...now, strategy }))
  }
  const give: EvaluationForm['give'] = ({ data, settings = {}, simulator }) => {
    setChanges(({ benchmarkData: _, benchmarkSettings: __, simulator: ___, maxCalls: ____, ...now }) => ({
      ...now,
      ...(data === undefined ? {} : { benchmarkData: data }),
      ...(Object.keys(settings).length === 0 ? {} : { benchmarkSettings: settings }),
      ...(simulator === undefined ? {} : { simulator }),
    }))
  }
  const given: GivenWorld = {
    ...(request.benchmarkData === undefined ? {} : { data: request.benchmarkData }),
    ...(request.benchmarkSettings === undefined ? {} : { settings: request.benchmarkSettings }),
    ...(request.simulator === undefined ? {} : { simulator: request.simulator }),
  }
  const known = description.benchmarks.find((one) => one.name === request.benchmark)
  const made = useBenchmark(known, given)
  const benchmark = made.data ?? known
  return {
    request: withServer(withSplit(request, benchmark), isServer ? server : null),
    ...{ change, choose, chooseStrategy, give, benchmark, given, benchmarkProblem: made.error, models },
    server: isServer ? server : null,
    chooseServer: setServer,
  }
}

/** An adapter, a precision and a call format are those of a model that is here. */
function withServer({ callFormat, ...request }: EvaluateRequest, server: ServerForm | null): EvaluateRequest {
  if (server === null) return { ...request, ...(callFormat === undefined ? {} : { callFormat }) }
  const { model } = server
  return { ...request, adapterOf: null, model: model?.model ?? '', ...(model === null ? {} : { server: model }) }
}

/** Splits of a benchmark with data are known once it is made; until one is chosen, it is the first. */
function withSplit(request: EvaluateRequest, benchmark: BenchmarkDescription | undefined): EvaluateRequest {
  const splits = Object.keys(benchmark?.splits ?? {})
  if (splits.includes(request.split)) return request
  return { ...request, split: splits.find((split) => benchmark?.heldOut.includes(split)) ?? splits[0] ?? '' }
}
const NO_MODELS: readonly ModelRow[] = []
