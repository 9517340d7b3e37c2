/** The record a run begins with. */
import type { GpuInfo, RunRecord } from '../../records/run'
import type { LoadedModel } from '../models/models'

export interface NewRun {
  readonly runId: string
  readonly kind: RunRecord['kind']
  readonly title: string
  readonly algorithm: string | null
  readonly config: Readonly<Record<string, unknown>>
  readonly model: Pick<LoadedModel, 'id' | 'sha256'>
  readonly seed: number
  readonly adapter: GpuInfo | null
  readonly worldHash: string | null
  readonly now: string
}

export function newRun({ runId, kind, title, algorithm, config, model, seed, adapter, worldHash, now }: NewRun): RunRecord {
  return {
    version: 1,
    run_id: runId,
    title,
    kind,
    algorithm,
    config: { ...config },
    model: { id: model.id, sha256: model.sha256 },
    data: [],
    seed,
    adapter,
    world_hash: worldHash,
    created_at: now,
    finished_at: null,
    status: 'running',
    error: null,
    steps_done: 0,
    adapter_sha256: null,
    notes: [],
    evaluations: [],
  }
}
