/** YAML in and out, by the package `yaml`. Scalars are read as PyYAML reads them (`yamlScalars.ts`); what is written is YAML 1.1, which it reads. */
import { Document, isMap, LineCounter, parseAllDocuments, visit, type ScalarTag, type Tags } from 'yaml'
import { excerpt } from '../../base/excerpt'
import type { Fields } from './interop'
import { pyYamlScalars } from './yamlScalars'

const SCHEMA = { schema: 'failsafe', customTags: (tags: Tags) => [...pyYamlScalars, ...tags] } as const

/** How often aliases may repeat a node: a small file must not become a huge value. */
const MOST_ALIASES = 100

export interface YamlFields {
  /** The fields of the first document. */
  readonly fields: Fields
  /** The number of documents after the first, which are not read. */
  readonly otherDocuments: number
}

/** Throws one sentence with file, line, column, what was expected and what was found, unless the first document is a map. */
export function parseYaml(file: string, text: string): YamlFields {
  const lines = new LineCounter()
  const refuse = (offset: number, expected: string, found?: string): Error => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    const shown = found ?? excerpt((text.split(/\r?\n/)[line - 1] ?? '').trim())
    return new Error(`${file}, line ${line}, column ${col}: expected ${expected}, found ${shown}.`)
  }
  const documents = attempt(
    () => [...parseAllDocuments(text, { ...SCHEMA, lineCounter: lines, prettyErrors: false, merge: true })],
    () => refuse(0, 'YAML that can be read', 'lists or maps nested too deeply'),
  )
  const [first, ...others] = documents
  if (first === undefined) return { fields: {}, otherDocuments: 0 }
  const [error] = first.errors
  if (error?.code === 'DUPLICATE_KEY') throw refuse(error.pos[0], 'every key of a map once')
  if (error !== undefined) throw refuse(error.pos[0], `valid YAML (${error.message.replace(/\.$/, '')})`)
  if (first.contents === null) return { fields: {}, otherDocuments: others.length }
  if (!isMap(first.contents)) throw refuse(first.contents.range[0], 'a map of fields (key: value)')
  for (const { key } of first.contents.items)
    if (String(key) === '__proto__') throw refuse(key.range[0], 'the name of a field', '__proto__')
  const value = attempt(
    () => first.toJS({ maxAliasCount: MOST_ALIASES }) as Fields,
    () => {
      const { at, isKnown } = firstAlias(first)
      return refuse(at, isKnown ? `aliases that repeat at most ${MOST_ALIASES} values` : 'an alias of an anchor above it')
    },
  )
  return { fields: value, otherDocuments: others.length }
}

function attempt<Value>(work: () => Value, failure: () => Error): Value {
  try {
    return work()
  } catch (error) {
    throw new Error(failure().message, { cause: error })
  }
}

/** The offset of the first alias that names no anchor, or else of the first alias. */
function firstAlias(document: Document): { at: number; isKnown: boolean } {
  const found: { at: number; isKnown: boolean }[] = []
  visit(document, {
    Alias: (_, alias) => void found.push({ at: alias.range?.[0] ?? 0, isKnown: alias.resolve(document) !== undefined }),
  })
  return found.find(({ isKnown }) => !isKnown) ?? found[0] ?? { at: 0, isKnown: true }
}

/** YAML 1.1 knows an exponent only after a point and with a sign: `1e-7` would be text. */
const exponent: ScalarTag = {
  tag: 'tag:yaml.org,2002:float',
  default: true,
  identify: (value) => typeof value === 'number' && String(value).includes('e'),
  test: /^[-+]?\d+\.\d+e[-+]\d+$/,
  resolve: Number,
  stringify: ({ value }) =>
    String(value).replace(/^(-?\d+)(\.\d+)?e/, (_, whole: string, part: string | undefined) => `${whole}${part ?? '.0'}e`),
}

/** Nested plain data: maps by indentation in the order of their keys, lists on one line, text in double quotes. */
export function yamlText(value: Fields): string {
  const document = new Document(value, { version: '1.1', customTags: (tags) => [exponent, ...tags], aliasDuplicateObjects: false })
  visit(document, {
    Seq: (_, list) => {
      list.flow = true
    },
  })
  return document.toString({
    lineWidth: 0,
    flowCollectionPadding: false,
    defaultStringType: 'QUOTE_DOUBLE',
    defaultKeyType: 'PLAIN',
    directives: false,
  })
}
