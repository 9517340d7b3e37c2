/** Expected failures as values, and any error as one sentence a person can use. */
import type { Reply } from '../worker/protocol'

export type Refusal = Extract<Reply<never>, { readonly ok: false }>

export const refuse = (code: string, message: string): Refusal => ({ ok: false, code, message })
export const accept = <T>(value: T): Reply<T> => ({ ok: true, value })

/** The error's own message, one line, ending like a sentence. */
export function sentenceOf(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim()
  if (error instanceof Error && error.name === 'QuotaExceededError')
    return 'The browser’s storage is full: delete runs or files in Settings, then try again.'
  if (text === '') return 'Something failed without giving a reason.'
  return /[.!?…]$/.test(text) ? text : `${text}.`
}

/** Runs `work`; what it throws becomes a refusal. For commands whose failures are the outside's: files, models, servers. */
export async function attempt<T>(code: string, work: () => Promise<Reply<T>>): Promise<Reply<T>> {
  try {
    return await work()
  } catch (error) {
    return refuse(code, sentenceOf(error))
  }
}
