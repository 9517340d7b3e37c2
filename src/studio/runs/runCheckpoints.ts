/** Where a run's checkpoints and its best weights are kept: two blobs, each in two slots with a checksum. */
import { z } from 'zod'
import { StoredBlobError } from '../../storage/blobSlots'
import type { CheckpointSink } from '../../training/checkpoints/checkpoint'
import type { BestWeights } from '../../training/checkpoints/checkpoint'
import { decodeCheckpoint, encodeCheckpoint } from '../../training/checkpoints/checkpointFile'

import type { Store } from '../../storage/store'
import type { JobControl } from '../jobs/jobControl'
import { retryWhenStorageFull } from '../storage/retryWhenStorageFull'
import type { RunRecorder } from './runRecorder'

interface CheckpointBlobs {
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>
  write(name: string, bytes: Uint8Array): Promise<void>
}

const CHECKPOINT = 'checkpoint'
const BEST = 'best'

const bestState = z.object({ metric: z.string(), value: z.number() })

/** @param prefix before the blobs' names. */
function runCheckpoints(blobs: CheckpointBlobs, prefix: string): CheckpointSink {
  const readOrNull = async (name: string): Promise<ReturnType<typeof decodeCheckpoint> | null> => {
    const bytes = await blobs.read(prefix + name)
    return bytes && decodeCheckpoint(bytes)
  }
  return {
    async load() {
      try {
        return await readOrNull(CHECKPOINT)
      } catch (error) {
        // No copy is whole: the run starts again, and its record says so.
        if (!(error instanceof StoredBlobError)) throw error
        return null
      }
    },
    save: (checkpoint) => blobs.write(prefix + CHECKPOINT, encodeCheckpoint(checkpoint)),
    best: {
      async load(): Promise<BestWeights | null> {
        const found = await readOrNull(BEST).catch(() => null)
        const { weights } = found?.arrays ?? {}
        return found && weights ? { step: found.step, weights, ...bestState.parse(found.state) } : null
      },
      save: ({ step, metric, value, weights }: BestWeights) =>
        blobs.write(prefix + BEST, encodeCheckpoint({ step, state: { metric, value }, arrays: { weights } })),
    },
  }
}

const prefixOf = (runId: string): string => `runs/${runId}/`

export async function removeCheckpoints(runId: string, store: Store): Promise<void> {
  for (const name of [CHECKPOINT, BEST]) await store.removeBlob(prefixOf(runId) + name)
}

/**
 * Checkpoints of a run at work. Metrics up to a checkpoint are stored before it: a run that is resumed after it does not report them again.
 * @param of steps the run takes in all.
 */
export function recordedCheckpoints(runId: string, of: number, recorder: RunRecorder, control: JobControl, store: Store): CheckpointSink {
  const blobs = {
    read: (name: string) => store.readBlob(name),
    write: (name: string, bytes: Uint8Array) => retryWhenStorageFull(control, () => store.writeBlob(name, bytes)),
  }
  const sink = runCheckpoints(blobs, prefixOf(runId))
  return {
    ...sink,
    async save(checkpoint) {
      await recorder.settle()
      await sink.save(checkpoint)
      await recorder.change({ checkpoint: { step: checkpoint.step, of } })
    },
  }
}
