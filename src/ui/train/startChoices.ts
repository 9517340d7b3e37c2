/** What a run can begin from, as the form offers it and as the address holds it: '', `run:ID`, `best:ID` or `imported:ID`. */
import { counted, formatWhen } from '../format'
import type { RunRecord } from '../../records/run'
import type { ImportedAdapter, ModelRow, StartFrom } from '../../worker/protocol'

export const NEW_ADAPTER = ''

export interface StartChoice {
  readonly value: string
  readonly label: string
}

export function startChoices(
  model: ModelRow | null,
  runs: readonly RunRecord[],
  imported: readonly ImportedAdapter[],
): readonly StartChoice[] {
  const ofRuns = (model?.adapters ?? []).flatMap(({ run_id, title, sha256 }) => {
    const run = runs.find((one) => one.run_id === run_id)
    // Where all weights were trained there is no adapter.
    if (!run || run.config.trainable === 'all') return []
    const best = run.best && {
      value: `best:${run_id}`,
      label: `${title}, best by ${run.best.metric} · after ${counted(run.best.step, 'step')}`,
    }
    return [{ value: `run:${run_id}`, label: `${title} · ${formatWhen(run.created_at)} · ${sha256.slice(0, 6)}` }, ...(best ? [best] : [])]
  })
  const brought = imported.filter(({ model_id }) => model_id === model?.model_id)
  return [
    { value: NEW_ADAPTER, label: 'A new adapter' },
    ...ofRuns.toReversed(),
    ...brought.map(({ adapter_id, title }) => ({ value: `imported:${adapter_id}`, label: `${title}, imported` })),
  ]
}

/** null: a new adapter. */
export function startOf(text: string): StartFrom | null {
  const [, kind, id = ''] = /^(run|best|imported):(.+)$/.exec(text) ?? []
  if (kind === undefined) return null
  return kind === 'imported' ? { kind, adapter_id: id } : { kind: 'run', run_id: id, which: kind === 'best' ? 'best' : 'last' }
}

export function startText(from: StartFrom | null): string {
  if (!from) return NEW_ADAPTER
  return from.kind === 'imported' ? `imported:${from.adapter_id}` : `${from.which === 'best' ? 'best' : 'run'}:${from.run_id}`
}

/** The folder that stands for it on the command line: what the page exports, kept under this name. */
export const startFolder = (from: StartFrom): string => (from.kind === 'imported' ? from.adapter_id : from.run_id)
