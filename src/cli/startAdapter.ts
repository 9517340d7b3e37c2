/** `--init-adapter`: the adapter a run begins from, and the copy that its directory keeps, so that it can go on when the other is gone. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ADAPTER_WEIGHTS } from '../models/weights/peft'
import { readInitialAdapter, type NamedInitialAdapter, type StoredInitialAdapter } from '../studio/models/initialAdapter'
import { UsageError } from './command'
import type { OpenModel } from './modelSpec'
import { nodeFolder } from './node/folder'
import { START_FOLDER, storedRun } from './runDirectory'

/** As a run's record holds it among the settings. */
const recorded = z.object({ init_adapter: z.string(), init_adapter_sha256: z.string() })

/**
 * null: a new adapter. A run that goes on (`resumed`: its directory) takes its own copy. Throws CheckpointError when there is no adapter, or one for
 * another model, UsageError when a run is to go on from another adapter than it began from.
 */
export async function openStart(named: string | null, resumed: string | null, model: OpenModel): Promise<NamedInitialAdapter | null> {
  const before = resumed === null ? null : recorded.safeParse(storedRun(resumed)?.config).data
  const own = join(resumed ?? '', START_FOLDER)
  if (resumed === null || !before || !existsSync(join(own, ADAPTER_WEIGHTS)))
    return named === null ? null : { adapter: await read(named, model), from: named }
  const adapter = await read(own, model)
  if (adapter.sha256 !== before.init_adapter_sha256)
    throw new UsageError(`${own} was changed since the run began (SHA-256 ${adapter.sha256.slice(0, 12)}): the run cannot go on from it.`)
  if (named !== null && existsSync(join(named, ADAPTER_WEIGHTS)) && (await read(named, model)).sha256 !== adapter.sha256)
    throw new UsageError(`${resumed} holds a run that began from another adapter than ${named}: leave --init-adapter out to go on.`)
  return { adapter, from: before.init_adapter }
}

async function read(directory: string, model: OpenModel): Promise<StoredInitialAdapter> {
  const folder = nodeFolder(directory)
  try {
    return await readInitialAdapter(folder, model)
  } finally {
    await folder.close()
  }
}
