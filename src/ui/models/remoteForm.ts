/** What the form for models elsewhere holds, and which server that names before anything is asked of it. */
import type { RemoteModel } from '../../worker/protocol'

export const HUB = 'https://huggingface.co'

const isAddress = (text: string): boolean => /^https?:\/\//i.test(text.trim())

/** The server that would be asked; null while an address is not one yet. */
export function hostOf({ where, hub }: Pick<RemoteModel, 'where' | 'hub'>): string | null {
  const address = isAddress(where) ? where.trim() : hub.trim() === '' ? HUB : hub.trim()
  return URL.canParse(address) ? new URL(address).host : null
}

/** A token belongs to one host: it never follows to another. */
export function changed(form: RemoteModel, patch: Partial<RemoteModel>): RemoteModel {
  const next = { ...form, ...patch }
  return hostOf(form) === hostOf(next) ? next : { ...next, token: '' }
}
