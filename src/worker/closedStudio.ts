/** What the page can ask where the engine did not start: lists are empty, commands say why they cannot run. */
import { studioFrom } from './forwardStudio'
import type { StudioAreas } from './studioApi'

const refused = studioFrom(() =>
  Promise.resolve({
    ok: false,
    code: 'no-engine',
    message: 'The engine did not start, so this is not available. Reload the page to try again.',
  }),
)
const none = (): Promise<readonly never[]> => Promise.resolve([])

export const closedStudio: StudioAreas = {
  ...refused,
  gpu: { status: () => Promise.resolve({ state: 'unavailable', cause: 'worker', message: '' }) },
  datasets: { ...refused.datasets, list: none, sources: none, sampleCsv: () => Promise.resolve('') },
  trajectories: { ...refused.trajectories, list: none },
  labels: { ...refused.labels, get: () => Promise.resolve({ opinions: [], resolved: [] }) },
  jobs: { ...refused.jobs, list: none },
  runs: { ...refused.runs, list: none },
  evaluations: { list: none },
  models: { ...refused.models, list: none, unfinishedDownloads: none },
  adapters: { ...refused.adapters, list: none },
  storage: { usage: () => Promise.resolve({ items: [], removed: [], usage: null, quota: null }) },
}
