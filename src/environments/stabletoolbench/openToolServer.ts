/** Makes a tool server from what the user gave: folders, a real API, a model. */
import type { FileTree } from '../../base/fileTree'
import type { Simulate } from '../worldParts'
import { responseCache, type CacheOverlay } from './responseCache'
import { resultFilters } from './resultFilter'
import type { StableToolBenchSettings } from './settings'
import { chatSimulator, mirrorSimulator, type Simulator } from './simulator'
import { toolDocs, type ToolDocs } from './toolDocs'
import { toolServer, type RealApi, type ToolServer } from './toolServer'

export interface ToolServerSources {
  readonly tools?: FileTree | undefined
  readonly cache?: FileTree | undefined
  readonly overlay?: CacheOverlay | undefined
  readonly realApi?: RealApi | undefined
  readonly simulate?: Simulate | undefined
  readonly onProblem?: ((sentence: string) => void) | undefined
}

const NO_FILES: FileTree = { title: 'no tools folder', paths: () => Promise.resolve([]), blob: () => Promise.resolve(null) }

export function openToolServer(
  { tools, cache, overlay, realApi, simulate, onProblem }: ToolServerSources,
  settings: StableToolBenchSettings,
): { readonly server: ToolServer; readonly docs: ToolDocs } {
  const docs = toolDocs(tools ?? NO_FILES, onProblem)
  const chosen = resultFilters[settings.result_filter]
  const timeout = settings.timeout_s * 1000
  const server = toolServer({
    docs,
    cache: responseCache({ files: cache, overlay, onProblem }),
    filter: { words: [...chosen.words, ...settings.filter_words], acceptedErrors: chosen.acceptedErrors },
    behaviour: settings.server,
    realApi,
    simulator: simulate && simulatorFor(simulate, settings),
    temperature: settings.simulator_temperature,
    needsDocs: settings.simulator !== 'chat',
    timeouts: { apiMs: timeout, simulationMs: timeout },
  })
  return { server, docs }
}

function simulatorFor(simulate: Simulate, { simulator, simulator_prompt: system }: StableToolBenchSettings): Simulator {
  if (simulator === 'chat') return chatSimulator(simulate, system)
  return mirrorSimulator(simulate, { apiName: simulator === 'mirrorapi' ? 'original' : 'standardized', system })
}
