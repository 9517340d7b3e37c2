/** Pre-flight of a request: what the settings, the model and the data say, and whether it fits. */
import { checkMemory } from '../../training/preflight/settingsChecks'
import type { PreflightFinding, Reply, TrainRequest } from '../../worker/protocol'
import { estimateJob } from './estimateJob'
import { accept, attempt, refuse } from '../failure'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision } from '../models/models'
import { preflight } from './preflight'
import { gatherData } from './trainJob'

export function preflightJob(request: TrainRequest, room: JobContext, memoryBytes?: number): Promise<Reply<readonly PreflightFinding[]>> {
  return attempt('preflight', async () => {
    const method = room.method(request.algorithm)
    if (!method.ok) return method
    const stored = await room.models.text(request.model)
    if (!stored.ok) return stored
    const model = withPrecision(stored.value, request.dtype, request.kvDtype)
    const start = await room.starts.open(request.initAdapter, model, null)
    if (!start.ok) return start
    const config = method.value.parseConfig(request.config, start.value && { lora: start.value.adapter.lora, from: start.value.from })
    if (!config.ok) return config
    const isOnline = request.data.length === 0
    if (isOnline && !method.value.isOnline)
      return refuse('needs-data', `${method.value.title} learns from trajectories one has: choose a data set.`)
    const speaks = isOnline ? room.promptFormatProblem(model) : null
    if (speaks !== null) return refuse('prompt-format', speaks)
    const gathered = isOnline ? accept(null) : await gatherData(request, room)
    if (!gathered.ok) return gathered
    const data = gathered.value?.labelled ?? null
    const found = await preflight({ method: method.value, config: config.value, model, data, seed: request.seed })
    const memory = await estimateJob(request, room, memoryBytes)
    return accept([...found, ...(memory.ok ? [checkMemory(memory.value)] : [])])
  })
}
