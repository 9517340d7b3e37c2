/** A value of a recipe as people read it: what is stored under an id by its name, a hash by its beginning. */
import type { RunRecord } from '../../records/run'
import type { ImportedAdapter } from '../../worker/protocol'
import { hrefs } from '../navigation/hrefs'
import { runHref } from '../navigation/runHref'
import { plainValue } from './plainValue'

/** What is known by an id. */
export interface KnownNames {
  readonly runs: readonly RunRecord[]
  readonly runNames: ReadonlyMap<string, string>
  readonly adapters: readonly ImportedAdapter[]
}

export type ShownValue =
  | { readonly kind: 'text'; readonly text: string }
  /** `text` names a record with a page of its own. */
  | { readonly kind: 'record'; readonly text: string; readonly href: string; readonly id: string }
  | { readonly kind: 'hash'; readonly text: string; readonly whole: string }

const HASH = /^[0-9a-f]{40,128}$/
const HASH_SHOWN = 12

/** Settings whose text names an imported adapter. */
const ADAPTER_SETTINGS: ReadonlySet<string> = new Set(['init_adapter', 'adapter'])

export function settingValue(name: string, value: unknown, { runs, runNames, adapters }: KnownNames): ShownValue {
  const text = plainValue(value)
  if (HASH.test(text)) return { kind: 'hash', text: `${text.slice(0, HASH_SHOWN)}…`, whole: text }
  const [id = '', which] = text.split('/')
  const run = runs.find(({ run_id }) => run_id === id)
  if (run && (which === undefined || which === 'best')) {
    const title = runNames.get(id) ?? run.title
    return { kind: 'record', text: which === undefined ? title : `${title}, best weights`, href: runHref(run), id: text }
  }
  const adapter = ADAPTER_SETTINGS.has(name) ? adapters.find((one) => one.title === text || one.adapter_id === text) : undefined
  if (adapter) return { kind: 'record', text: adapter.title, href: hrefs.models({ model: adapter.model_id }), id: adapter.adapter_id }
  return { kind: 'text', text }
}

/** A sentence in which runs are called by their names instead of their ids. */
export function namedSentence(sentence: string, { runs, runNames }: KnownNames): string {
  return runs.reduce(
    (text, { run_id, title }) => (text.includes(run_id) ? text.replaceAll(run_id, `“${runNames.get(run_id) ?? title}”`) : text),
    sentence,
  )
}
