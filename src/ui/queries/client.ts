/**
 * The one cache for what the worker answers. An answer stays until an event says that it changed (`studioEvents.ts`); what is mounted
 * anew is asked again all the same, because other tabs write to the same storage, and the cached answer is shown meanwhile.
 */
import { QueryClient } from '@tanstack/react-query'
import type { Reply } from '../../worker/protocol'
import type { StudioApi } from '../../worker/studioApi'

export function createQueryClient(): QueryClient {
  // The worker is no network: it answers while the browser is offline, and asking twice would give the same error.
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: Infinity,
        retry: false,
        networkMode: 'always',
        refetchOnMount: 'always',
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  })
}

export const queryClient = createQueryClient()

const names = new WeakMap<StudioApi, string>()
let connected = 0

/** The last part of every query key: answers of the live worker, of a restarted one and of the recorded run are never mixed. */
export function studioKey(studio: StudioApi): string {
  const known = names.get(studio)
  if (known !== undefined) return known
  connected += 1
  const name = `studio ${connected}`
  names.set(studio, name)
  return name
}

/** The studio's refusal: its sentence, and the code that tells one kind of refusal from another. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The value of a reply. A refusal is thrown. */
export async function valueOf<T>(reply: Promise<Reply<T>>): Promise<T> {
  const answered = await reply
  if (!answered.ok) throw new Refused(answered.code, answered.message)
  return answered.value
}

/** The sentence of whatever was thrown. */
export const sentenceOf = (reason: unknown): string => (reason instanceof Error ? reason.message : String(reason))
