/** The flat settings file of an algorithm's released code as a recipe. The algorithm's interop says whose file it is and what its fields mean. */
import type { FieldRemark } from '../../records/fieldRemark'
import type { Algorithm } from '../algorithm'
import { algorithms } from '../algorithms'
import type { Fields, ReleasedImport } from './interop'
import { recipeFromObject, type ReadRecipe } from './recipe'

const readable: readonly (readonly [string, ReleasedImport])[] = Object.entries<Algorithm>(algorithms).flatMap(
  ([name, { interop }]): [string, ReleasedImport][] => (interop.fromReleased === undefined ? [] : [[name, interop.fromReleased]]),
)

/** Throws one sentence for fields that are no algorithm's, or for a value that no recipe can have. */
export function recipeFromReleased(file: string, fields: Fields): ReadRecipe {
  const found = readable.find(([, { claims }]) => claims(fields))
  if (found === undefined) {
    const titles = readable.map(([, { title }]) => title).join(' or ')
    throw new Error(`${file}: expected ${titles}, found ${Object.keys(fields).slice(0, 3).join(', ') || 'nothing'}.`)
  }
  const [algorithm, { settings, modelField, dataField, withoutEffect, fixed, fixedReason }] = found
  const config: Record<string, unknown> = {}
  const ignored: FieldRemark[] = []
  for (const [field, value] of Object.entries(fields)) {
    if (field === modelField || field === dataField) continue
    const setting = ownValue(settings, field)
    if (setting !== undefined) config[setting] = value
    else ignored.push({ field, value, reason: ownValue(withoutEffect, field) ?? 'Hone does not know this field.' })
  }
  const model = fields[modelField] ?? null
  const data = dataField in fields ? [fields[dataField]] : []
  const { recipe } = recipeFromObject(file, { version: 1, algorithm, model, data, config: { ...config, ...fixed } })
  return { recipe, ignored, assumed: Object.entries(fixed).map(([field, value]) => ({ field, value, reason: fixedReason })) }
}

const ownValue = (table: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined
