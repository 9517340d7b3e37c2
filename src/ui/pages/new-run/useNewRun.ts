/** The new-run form: what it holds, what can be chosen, and the request it makes. */
import { useMemo, useState } from 'react'
import type { RunRecord } from '../../../records/run'
import { practiceFileName, runOfSource } from '../../../records/dataSource'
import type {
  AlgorithmDescription,
  BenchmarkDescription,
  DataSourceRow,
  GivenWorld,
  ModelRow,
  ServerModel,
  StudioDescription,
  TrainRequest,
} from '../../../worker/protocol'
import { useUrlState } from '../../navigation/location'
import { useDataSources } from '../../queries/datasets'
import { useModels } from '../../queries/models'
import { useRuns } from '../../queries/runs'
import { useBenchmark } from '../../queries/worlds'
import { useDescription } from '../../stores/studio'
import { configText, newRunUrl, settingsOf, trainRequest, type NewRunUrl } from '../../train/newRunForm'

export interface NewRunForm {
  readonly url: NewRunUrl
  readonly setUrl: (patch: Partial<NewRunUrl>) => void
  readonly models: readonly ModelRow[]
  readonly model: ModelRow | null
  readonly algorithms: readonly AlgorithmDescription[]
  readonly algorithm: AlgorithmDescription | null
  readonly runs: readonly RunRecord[]
  /** The run whose practice and settings are taken over. */
  readonly source: RunRecord | undefined
  /** Data sets, and the practice of runs; undefined until they are listed. */
  readonly sources: readonly DataSourceRow[] | undefined
  /** Ids of those that are chosen; none: the model practises online. */
  readonly chosen: readonly string[]
  /** Their names as files. */
  readonly files: readonly string[]
  readonly practice: Practice
  /** Every chosen source is stored here. */
  readonly hasData: boolean
  /** null until the form is complete. */
  readonly request: TrainRequest | null
}

/** What the model practises on while it trains online. */
interface Practice {
  readonly benchmark: BenchmarkDescription | undefined
  readonly given: GivenWorld
  readonly give: (given: GivenWorld) => void
  /** Why the benchmark could not be made from what was given. */
  readonly problem: string | null
}

function usePractice(url: NewRunUrl, setUrl: NewRunForm['setUrl']): Practice {
  const { benchmarks, defaults } = useDescription()
  const [simulator, setSimulator] = useState<ServerModel | undefined>(undefined)
  const known = benchmarks.find(({ name }) => name === (url.benchmark === '' ? defaults.benchmark : url.benchmark))
  const settings = settingsOf(url.benchmarkSettings)
  const given: GivenWorld = {
    ...(url.benchmarkData === '' ? {} : { data: url.benchmarkData }),
    ...(Object.keys(settings).length === 0 ? {} : { settings }),
    ...(simulator === undefined ? {} : { simulator }),
  }
  const made = useBenchmark(known, given)
  return {
    ...{ benchmark: made.data ?? known, given, problem: made.error },
    give: (next) => {
      setSimulator(next.simulator)
      setUrl({ benchmarkData: next.data ?? '', benchmarkSettings: configText(next.settings ?? {}) })
    },
  }
}

/** The method the address names, else the usual one that can learn from what is chosen, unless the source run used it already. */
function algorithmOf(
  { algorithms, defaults }: StudioDescription,
  wanted: string,
  used: string | null,
  from: AlgorithmDescription['learnsFrom'][number],
): AlgorithmDescription | null {
  const others = algorithms.filter((one) => one.name !== used && one.learnsFrom.includes(from))
  return algorithms.find((one) => one.name === wanted) ?? others.find((one) => one.name === defaults.algorithm) ?? others[0] ?? null
}

export function useNewRun(): NewRunForm {
  const description = useDescription()
  const { algorithms } = description
  const [url, setUrl] = useUrlState(newRunUrl)
  const models = useModels().data ?? NO_MODELS
  const sources = useDataSources().data
  const runs = useRuns().data ?? NO_RUNS
  const source = runs.find((run) => run.run_id === url.from)
  const learnsFrom = url.data === '' ? 'rollouts' : 'files'
  const algorithm = algorithmOf(description, url.algorithm, source?.algorithm ?? null, learnsFrom)
  const model =
    models.find((one) => one.model_id === url.model) ?? models.find((one) => one.model_id === source?.model.id) ?? models[0] ?? null
  const chosen = useMemo(() => (url.data === '' ? [] : url.data.split(',')), [url.data])
  const files = chosen.flatMap((id) => fileNameOf(sources?.find((row) => row.id === id)))
  // Until the data that the form names is known, nobody knows what would be trained on.
  const hasData = files.length === chosen.length
  const practice = usePractice(url, setUrl)
  const { simulator } = practice.given
  const request = useMemo(
    () => (algorithm && model && hasData ? trainRequest(url, algorithm.name, model.model_id, simulator) : null),
    [url, algorithm, model, hasData, simulator],
  )
  return { url, setUrl, models, model, algorithms, algorithm, runs, source, sources, chosen, files, hasData, practice, request }
}

/** The command line reads the practice of a run in this browser from the file it was exported to. */
function fileNameOf(source: DataSourceRow | undefined): string[] {
  if (!source) return []
  const runId = runOfSource(source.id)
  return [runId === null ? source.name : practiceFileName(runId, 'jsonl')]
}

const NO_MODELS: readonly ModelRow[] = []
const NO_RUNS: readonly RunRecord[] = []
