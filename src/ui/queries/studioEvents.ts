/** What the worker says of its own accord: snapshots go into the cache, and the answers an event makes invalid are asked again. */
import { hashKey, type QueryClient, type QueryKey } from '@tanstack/react-query'
import type { StudioEvent } from '../../worker/protocol'
import { listenToEvents } from '../stores/events'
import { takeExamCells } from './exams'
import { isActive, jobOf, rememberJob } from './jobs'
import { keys } from './keys'

/** Labels are many and come one by one: they are asked again at most this often. */
const LABELS_EVERY_MS = 2000

type EventOf<T extends StudioEvent['type']> = Extract<StudioEvent, { readonly type: T }>

/** Event → the questions whose answers it makes invalid. */
const invalidates: { readonly [T in StudioEvent['type']]: (event: EventOf<T>, client: QueryClient) => readonly QueryKey[] } = {
  job: ({ job }, client) => {
    const before = jobOf(client, job.job_id)
    const progress = [keys.runs, keys.evaluations]
    // What a run's record and the storage hold grows by phase, not by step.
    if (before?.state === job.state && before.phase === job.phase) return progress
    const phase = [...progress, keys.run(job.run_id), keys.storage]
    if (isActive(job)) return phase
    const ended = [...phase, keys.practice(job.run_id), keys.models, keys.unfinishedDownloads, keys.adapters, keys.dataSources]
    return job.kind === 'judge' ? [...ended, keys.everyLabel] : ended
  },
  dataset: ({ dataset }) => [keys.datasets, keys.storage, keys.trajectories(`dataset:${dataset.dataset_id}`)],
  trajectories: ({ run_id }) => [keys.trajectories(`run:${run_id}`), keys.everyLabel],
  // These go into the cache or into a store as they are.
  exam: () => [],
  metrics: () => [],
  slept: () => [],
  token: () => [],
  network: () => [],
  gpu: () => [],
  import: () => [],
}

function keysOf<T extends StudioEvent['type']>(event: EventOf<T>, client: QueryClient): readonly QueryKey[] {
  const type: T = event.type
  return invalidates[type](event, client)
}

/**
 * Asks again without starving: while an answer is on its way it is awaited, and asked once more afterwards if anything happened since.
 * (Cancelling at every event would never draw anything under a worker that is slower than its events.)
 */
export function createRefresh(client: QueryClient): (key: QueryKey) => Promise<void> {
  const underWay = new Map<string, { again: boolean }>()
  return async (key) => {
    const hash = hashKey(key)
    const busy = underWay.get(hash)
    if (busy) {
      busy.again = true
      return
    }
    const state = { again: true }
    underWay.set(hash, state)
    while (state.again) {
      // An answer asked for before the event may be older than the event.
      state.again = client.isFetching({ queryKey: key }) > 0
      await client.invalidateQueries({ queryKey: key }, { cancelRefetch: false })
    }
    underWay.delete(hash)
  }
}

/** Calls `run` at once, then at most every `ms`; the last call is never lost. */
function atMostEvery(ms: number, run: () => void): () => void {
  let last = -Infinity
  let timer: ReturnType<typeof setTimeout> | null = null
  return () => {
    timer ??= setTimeout(
      () => {
        timer = null
        last = performance.now()
        run()
      },
      Math.max(0, last + ms - performance.now()),
    )
  }
}

function createEventReader(client: QueryClient): (events: readonly StudioEvent[]) => void {
  const refresh = createRefresh(client)
  const refreshLabels = atMostEvery(LABELS_EVERY_MS, () => void refresh(keys.everyLabel))
  const labelsHash = hashKey(keys.everyLabel)
  return (events) => {
    const invalid = new Map<string, QueryKey>()
    for (const event of events) {
      for (const key of keysOf(event, client)) invalid.set(hashKey(key), key)
      if (event.type === 'job') {
        // A judge's opinions arrive while it works.
        if (event.job.kind === 'judge') invalid.set(labelsHash, keys.everyLabel)
        rememberJob(client, event.job)
      }
      if (event.type === 'exam') takeExamCells(client, event)
    }
    for (const [hash, key] of invalid)
      if (hash === labelsHash) refreshLabels()
      else void refresh(key)
  }
}

export function watchStudioEvents(client: QueryClient): void {
  listenToEvents(createEventReader(client))
}
