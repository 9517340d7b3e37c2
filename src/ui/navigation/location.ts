/** Hash routes with the query inside the hash (`#/label?step=2`), so that one static file serves every view. */
import { useCallback, useMemo, useSyncExternalStore } from 'react'

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener)
  addEventListener('popstate', listener)
  return () => {
    removeEventListener('hashchange', listener)
    removeEventListener('popstate', listener)
  }
}
function parts(): [path: string, search: string] {
  const hash = location.hash.replace(/^#?\/?/, '/')
  const at = hash.indexOf('?')
  return at < 0 ? [hash, ''] : [hash.slice(0, at), hash.slice(at + 1)]
}
const currentPath = (): string => parts()[0]
/** The address of the page that is open, with what is open or chosen on it. */
export const currentAddress = (): string =>
  parts()
    .filter((part) => part !== '')
    .join('?')
const currentSearch = (): string => parts()[1]

export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  const url = `#${to.startsWith('/') ? to : `/${to}`}`
  if (url === location.hash) return
  if (options.replace) history.replaceState(null, '', url)
  else history.pushState(null, '', url)
  dispatchEvent(new HashChangeEvent('hashchange'))
}

/** Location hook for wouter's Router. */
export const useHashLocation = Object.assign((): [string, typeof navigate] => [useSyncExternalStore(subscribe, currentPath), navigate], {
  hrefs: (href: string) => `#${href}`,
})
export const useHashSearch = (): string => useSyncExternalStore(subscribe, currentSearch)

/** Anything with zod's safeParse. */
interface Schema<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false }
}

/**
 * State that a colleague should see when you send the link. `schema` reads the query's strings (`z.coerce`, `.default`, `.catch`);
 * `set` merges, drops empty values, and replaces the history entry unless `push` is asked for.
 */
export function useUrlState<T extends object>(schema: Schema<T>): [T, (patch: Partial<T>, options?: { readonly push?: boolean }) => void] {
  const search = useHashSearch()
  const value = useMemo(() => {
    const read = schema.safeParse(Object.fromEntries(new URLSearchParams(search)))
    const fallback = read.success ? read : schema.safeParse({})
    if (!fallback.success) throw new Error('A URL schema needs a default for every field.')
    return fallback.data
  }, [schema, search])
  const set = useCallback((patch: Partial<T>, options: { readonly push?: boolean } = {}) => {
    const [path, now] = parts()
    const query = new URLSearchParams(now)
    for (const [name, entry] of Object.entries(patch)) {
      if (typeof entry === 'string' && entry !== '') query.set(name, entry)
      else if (typeof entry === 'number' || typeof entry === 'boolean') query.set(name, String(entry))
      else query.delete(name)
    }
    const text = query.toString()
    navigate(text === '' ? path : `${path}?${text}`, { replace: options.push !== true })
  }, [])
  return [value, set]
}
