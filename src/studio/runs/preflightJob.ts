/** Pre-flight of a request: what the settings, the model and the data say, and whether it fits. */
import { checkMemory } from '../../training/preflight/settingsChecks'
import type { PreflightFinding, Reply, TrainRequest } from '../../worker/protocol'
import { estimateJob } from './estimateJob'
import { accept, attempt, refuse } from '../failure'
import { algorithmNamed, configureAlgorithm } from './configure'
import type { JobContext } from '../jobs/jobContext'
import { withPrecision } from '../models/models'
import { preflight } from './preflight'
import { gatherData } from './trainJob'

export function preflightJob(request: TrainRequest, room: JobContext, memoryBytes?: number): Promise<Reply<readonly PreflightFinding[]>> {
  return attempt('preflight', async () => {
    const found = algorithmNamed(request.algorithm)
    if (!found.ok) return found
    const algorithm = found.value
    const stored = await room.models.text(request.model)
    if (!stored.ok) return stored
    const model = withPrecision(stored.value, request.dtype, request.kvDtype)
    const start = await room.starts.open(request.initAdapter, model, null)
    if (!start.ok) return start
    const configured = configureAlgorithm(algorithm, request.config, start.value)
    if (!configured.ok) return configured
    const isOnline = request.data.length === 0
    if (isOnline && !algorithm.learnsFrom.includes('rollouts'))
      return refuse('needs-data', `${algorithm.title} learns from trajectories one has: choose a data set.`)
    const speaks = isOnline ? room.promptFormatProblem(model) : null
    if (speaks !== null) return refuse('prompt-format', speaks)
    const gathered = isOnline ? accept(null) : await gatherData(request, room)
    if (!gathered.ok) return gathered
    const data = gathered.value?.labelled ?? null
    const findings = await preflight({ configured: configured.value, model, data, seed: request.seed })
    const memory = await estimateJob(request, room, memoryBytes)
    return accept([...findings, ...(memory.ok ? [checkMemory(memory.value)] : [])])
  })
}
