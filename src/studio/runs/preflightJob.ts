/** Pre-flight of a request: what the settings, the model and the data say, and whether it fits. */
import { checkMemory } from '../../training/preflight/settingsChecks'
import type { PreflightFinding, Reply, TrainRequest } from '../../worker/protocol'
import { estimateJob } from './estimateJob'
import { accept, attempt } from '../failure'
import { algorithmNamed, configureAlgorithm } from './configure'
import type { JobContext } from '../jobs/jobContext'
import { withCallFormat, withPrecision } from '../models/models'
import { heldOutWarning } from '../data/heldOut'
import { preflight } from './preflight'
import { materialOf } from './material'

export function preflightJob(
  request: TrainRequest,
  context: JobContext,
  memoryBytes?: number,
): Promise<Reply<readonly PreflightFinding[]>> {
  return attempt('preflight', async () => {
    const found = algorithmNamed(request.algorithm)
    if (!found.ok) return found
    const algorithm = found.value
    const stored = await context.models.text(request.model, request.seed)
    if (!stored.ok) return stored
    const model = withCallFormat(withPrecision(stored.value, request.dtype, request.kvDtype), request)
    const initialAdapter = await context.initialAdapters.open(request.initAdapter, model, null)
    if (!initialAdapter.ok) return initialAdapter
    const configured = configureAlgorithm(algorithm, request.config, initialAdapter.value, request.limits)
    if (!configured.ok) return configured
    const material = await materialOf(request, algorithm, model, context)
    if (!material.ok) return material
    const { labelled: data, transcripts } = material.value
    const { clock } = context.trainingParts
    const given = { configured: configured.value, model, data, hasTranscripts: transcripts !== null, seed: request.seed, clock }
    const findings = await preflight(given)
    const memory = await estimateJob(request, context, memoryBytes)
    const heldOut = heldOutWarning((data ?? []).map(({ trajectory }) => trajectory))
    const warning: PreflightFinding[] = heldOut === null ? [] : [{ check: 'held-out questions', level: 'warning', message: heldOut }]
    return accept([...warning, ...findings, ...(memory.ok ? [checkMemory(memory.value)] : [])])
  })
}
