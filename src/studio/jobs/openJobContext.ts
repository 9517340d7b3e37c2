/** Joins what jobs share. */
import type { Labels } from '../labels/labels'
import type { InitialAdapters } from '../models/initialAdapters'
import type { Models } from '../models/models'
import type { PolicyBackend } from '../runs/policyBackend'
import { placeRun } from '../runs/placeRun'
import type { Runs } from '../runs/runs'
import type { StudioServices } from '../services'
import type { Worlds } from '../worlds/worlds'
import { createRunWork, promptFormatProblem, type JobContext } from './jobContext'

interface SharedModules {
  readonly models: Models
  readonly initialAdapters: InitialAdapters
  readonly labels: Labels
  readonly runs: Runs
  readonly worlds: Worlds
  readonly policyBackend: PolicyBackend
}

export function openJobContext(services: StudioServices, { runs, policyBackend, ...modules }: SharedModules): JobContext {
  const { store, gpu, newId, now } = services
  return {
    ...{ store, gpu, newId, now, ...modules },
    evaluationParts: services,
    serverParts: services,
    trainingParts: { ...services, models: modules.models, initialAdapters: modules.initialAdapters, policyBackend },
    placeRun: (runId, kind, folder) => placeRun(store, runs, runId, kind, folder),
    whyBusy: (runId) => runs.whyBusy(runId),
    promptFormatProblem,
    runWork: createRunWork(runs, gpu, now),
  }
}
