/** The new-run form: what it holds, what can be chosen, and the request it makes. */
import { useMemo } from 'react'
import type { RunRecord } from '../../../records/run'
import type { AlgorithmDescription, DatasetRow, ModelRow, StudioDescription, TrainRequest } from '../../../worker/protocol'
import { useUrlState } from '../../navigation/location'
import { useDatasets } from '../../queries/datasets'
import { useModels } from '../../queries/models'
import { useRuns } from '../../queries/runs'
import { useDescription } from '../../stores/studio'
import { newRunUrl, trainRequest, type NewRunUrl } from '../../train/newRunForm'

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
  /** undefined until they are listed. */
  readonly datasets: readonly DatasetRow[] | undefined
  /** Ids of the data sets that are chosen; none: the model practises online. */
  readonly chosen: readonly string[]
  /** Their names. */
  readonly files: readonly string[]
  /** Every chosen data set is stored here. */
  readonly hasData: boolean
  /** null until the form is complete. */
  readonly request: TrainRequest | null
}

/** The method the address names, else the usual one, unless the source run used it already. */
function algorithmOf({ algorithms, defaults }: StudioDescription, wanted: string, used: string | null): AlgorithmDescription | null {
  const others = algorithms.filter((one) => one.name !== used)
  return algorithms.find((one) => one.name === wanted) ?? others.find((one) => one.name === defaults.algorithm) ?? others[0] ?? null
}

export function useNewRun(): NewRunForm {
  const description = useDescription()
  const { algorithms } = description
  const [url, setUrl] = useUrlState(newRunUrl)
  const models = useModels().data ?? NO_MODELS
  const datasets = useDatasets().data
  const runs = useRuns().data ?? NO_RUNS
  const source = runs.find((run) => run.run_id === url.from)
  const algorithm = algorithmOf(description, url.algorithm, source?.algorithm ?? null)
  const model =
    models.find((one) => one.model_id === url.model) ?? models.find((one) => one.model_id === source?.model.id) ?? models[0] ?? null
  const chosen = useMemo(() => (url.data === '' ? [] : url.data.split(',')), [url.data])
  const files = chosen.flatMap((id) => datasets?.find((row) => row.dataset_id === id)?.name ?? [])
  // Until the data that the form names is known, nobody knows what would be trained on.
  const hasData = files.length === chosen.length
  const request = useMemo(
    () => (algorithm && model && hasData ? trainRequest(url, algorithm.name, model.model_id) : null),
    [url, algorithm, model, hasData],
  )
  return { url, setUrl, models, model, algorithms, algorithm, runs, source, datasets, chosen, files, hasData, request }
}
const NO_MODELS: readonly ModelRow[] = []
const NO_RUNS: readonly RunRecord[] = []
