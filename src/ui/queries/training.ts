/** What can be said of a run before it starts, and recipes as files. */
import { useDebouncedValue } from '@mantine/hooks'
import type {
  MemoryEstimate,
  PreflightFinding,
  RecipeFile,
  RecipeOnForm,
  RecipeSource,
  TimeEstimate,
  TrainRequest,
} from '../../worker/protocol'
import { useGpuMemory } from '../stores/preferences'
import { valueOf } from './client'
import { keys } from './keys'
import { useCommand, type Command } from './useCommand'
import { useStudioQuery, type StudioQuery } from './useStudioQuery'

const ESTIMATE_WAIT_MS = 400
/** Datasets are read and encoded for it: not at every key press. */
const PREFLIGHT_WAIT_MS = 600

interface Asked {
  readonly request: TrainRequest
  readonly memoryBytes: number | undefined
}

/** The request once it has stood still for `ms`; null while there is none. */
function useStill(request: TrainRequest | null, ms: number): { readonly text: string; readonly asked: Asked } | null {
  const memoryBytes = useGpuMemory()
  const [text] = useDebouncedValue(request === null ? null : JSON.stringify({ request, memoryBytes }), ms)
  return text === null ? null : { text, asked: JSON.parse(text) as Asked }
}

export function useMemoryEstimate(request: TrainRequest | null): StudioQuery<MemoryEstimate> {
  const still = useStill(request, ESTIMATE_WAIT_MS)
  return useStudioQuery(still === null ? null : keys.memoryEstimate(still.text), (studio) =>
    still === null ? Promise.reject(new Error('')) : valueOf(studio.jobs.estimateMemory(still.asked.request, still.asked.memoryBytes)),
  )
}

export function useTimeEstimate(request: TrainRequest | null): StudioQuery<TimeEstimate> {
  const still = useStill(request, ESTIMATE_WAIT_MS)
  return useStudioQuery(still === null ? null : keys.timeEstimate(still.text), (studio) =>
    still === null ? Promise.reject(new Error('')) : valueOf(studio.jobs.estimateTime(still.asked.request)),
  )
}

export function usePreflight(request: TrainRequest | null): StudioQuery<readonly PreflightFinding[]> {
  const still = useStill(request, PREFLIGHT_WAIT_MS)
  return useStudioQuery(still === null ? null : keys.preflight(still.text), (studio) =>
    still === null ? Promise.reject(new Error('')) : valueOf(studio.jobs.preflight(still.asked.request, still.asked.memoryBytes)),
  )
}

const NO_SENTENCES: readonly string[] = []

/** What pre-flight refuses of exactly this request, as sentences; none while it is being checked: the studio checks again at the start. */
export function useRefusals(request: TrainRequest | null): readonly string[] {
  const { data, error } = usePreflight(request)
  const still = useStill(request, PREFLIGHT_WAIT_MS)
  if (request === null || still === null || JSON.stringify(still.asked.request) !== JSON.stringify(request)) return NO_SENTENCES
  if (error !== null) return [error]
  return (data ?? []).flatMap(({ check, level, message }) => (level === 'refusal' ? [`${check}: ${message}`] : []))
}

export interface RecipeUpload {
  readonly file: File
  /** The algorithm of settings that name none. */
  readonly fallback: string
}
export const useReadRecipe = (): Command<RecipeUpload, RecipeOnForm> =>
  useCommand(async (studio, { file, fallback }: RecipeUpload) => studio.recipes.read(file.name, await file.text(), fallback))

export interface RecipeTarget {
  readonly source: RecipeSource
  readonly to: 'hone' | 'trl' | 'verl'
}
export const useWriteRecipe = (): Command<RecipeTarget, RecipeFile> =>
  useCommand((studio, { source, to }: RecipeTarget) => studio.recipes.write(source, to))
