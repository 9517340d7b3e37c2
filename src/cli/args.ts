/** Reads a command line against a command's schema. Every mistake is one sentence. */
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { UsageError, type Command, type JsonObject } from './command'
import { flagsOf, listFromWords, sameFlag, valueFromText, type Flag } from './flags'
import { adapterNames } from './node/dawn'

/** Flags every command has. */
export const globalOptions = z.object({
  adapter: z.enum(adapterNames).default('default').meta({ help: 'WebGPU adapter' }),
  json: z.boolean().default(false).meta({ help: 'print one JSON object as the last line' }),
  help: z.boolean().default(false).meta({ help: 'print this help' }),
})

export interface ParsedCommand {
  readonly global: z.output<typeof globalOptions>
  /** The command's own options, validated and defaulted; empty when help was asked for. */
  readonly options: JsonObject
  /** What was typed of the further flags. */
  readonly extra: JsonObject
}

interface Given {
  readonly values: Record<string, unknown>
  readonly unknownFlags: readonly string[]
}

export function parseCommandLine(command: Command, argv: readonly string[]): ParsedCommand {
  const global = flagsOf(globalOptions)
  const own = flagsOf(command.options)
  // A first look, blind to flags it does not know, tells which further flags there are.
  const extraSchema = command.extraOptions(readWords([...global, ...own], command.positionals, argv).values)
  const extra =
    extraSchema === null ? [] : flagsOf(extraSchema).filter((flag) => !own.some((other) => sameFlag(other.flag) === sameFlag(flag.flag)))
  const all = [...global, ...own, ...extra]
  const { values, unknownFlags } = readWords(all, command.positionals, argv)

  const globalValues = globalOptions.parse(pick(values, global))
  if (globalValues.help) return { global: globalValues, options: pick(values, own), extra: {} }
  if (unknownFlags.length > 0) throw new UsageError(unknownFlagSentence(command, unknownFlags[0] ?? '', all))
  const result = command.options.safeParse(pick(values, own))
  if (!result.success) throw new UsageError(issueSentence(command, own, values, result.error))
  return { global: globalValues, options: result.data, extra: pick(values, extra) }
}

function pick(values: Readonly<Record<string, unknown>>, flags: readonly Flag[]): JsonObject {
  return Object.fromEntries(flags.filter(({ key }) => key in values).map(({ key }) => [key, values[key]]))
}

function readWords(flags: readonly Flag[], positionals: string | null, argv: readonly string[]): Given {
  const byName = new Map(flags.map((flag) => [sameFlag(flag.flag), flag]))
  const { tokens } = parseArgs({
    args: spellFlags(argv, byName),
    options: Object.fromEntries(flags.map((flag) => [flag.key, { type: flag.isBoolean ? 'boolean' : 'string' }])),
    strict: false,
    tokens: true,
  })
  const values: Record<string, unknown> = {}
  const words: string[] = []
  const lists = new Map<Flag, string[]>()
  const unknownFlags: string[] = []
  /** The list flag whose words are being collected, and how many more it must have. */
  let open: { flag: Flag; missing: number } | null = null
  for (const token of tokens) {
    if (token.kind === 'option-terminator') open = null
    else if (token.kind === 'positional') {
      const takesMore: boolean = open !== null && (open.missing > 0 || (positionals === null && open.flag.words === 1))
      if (open !== null && takesMore) {
        lists.get(open.flag)?.push(token.value)
        open.missing -= 1
      } else words.push(token.value)
    } else {
      const flag = flags.find(({ key }) => key === token.name)
      open = null
      if (flag === undefined) {
        unknownFlags.push(token.rawName)
        continue
      }
      if (flag.isBoolean) {
        values[flag.key] = valueFromText(flag, token.value ?? 'true')
        continue
      }
      // A value may start with a dash (−1), not with two.
      if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--')))
        throw new UsageError(`${flag.flag} needs a value.`)
      if (flag.isList) {
        lists.set(flag, [...(lists.get(flag) ?? []), token.value])
        open = { flag, missing: flag.words - 1 }
      } else values[flag.key] = valueFromText(flag, token.value)
    }
  }
  for (const [flag, given] of lists) values[flag.key] = listFromWords(flag, given)
  if (words.length > 0 && unknownFlags.length === 0) {
    if (positionals === null) throw new UsageError(`Unexpected word "${words[0] ?? ''}"; flags start with --.`)
    values[positionals] = words
  }
  return { values, unknownFlags }
}

/** Rewrites every spelling of a known flag to its key, and `--no-x` to `--x=false`. */
function spellFlags(argv: readonly string[], byName: ReadonlyMap<string, Flag>): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, index) => {
    const match = /^--([^=]+)(=.*)?$/s.exec(word)
    if (match === null || (end !== -1 && index > end)) return word === '-h' ? '--help' : word
    const [, name = '', value = ''] = match
    const flag = byName.get(sameFlag(name))
    if (flag !== undefined) return `--${flag.key}${value}`
    const negated = name.startsWith('no-') ? byName.get(sameFlag(name.slice(3))) : undefined
    return negated?.isBoolean === true && value === '' ? `--${negated.key}=false` : word
  })
}

function unknownFlagSentence(command: Command, name: string, flags: readonly Flag[]): string {
  const distances = flags.map(({ flag }) => ({ flag, distance: editDistance(sameFlag(flag), sameFlag(name)) }))
  const [nearest] = distances.sort((a, b) => a.distance - b.distance)
  const hint = nearest !== undefined && nearest.distance <= 2 ? `did you mean ${nearest.flag}?` : `see hone ${command.name} --help.`
  return `${name} is not a flag of ${command.name}; ${hint}`
}

/** Letters to insert, delete or change to get from one word to the other (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}

function issueSentence(command: Command, flags: readonly Flag[], values: Readonly<Record<string, unknown>>, error: z.ZodError): string {
  const issue = error.issues[0]
  const key = String(issue?.path[0] ?? '')
  const flag = flags.find((candidate) => candidate.key === key)
  if (flag === undefined) return issue?.message ?? 'The options are not valid.'
  const isPositional = key === command.positionals
  if (!(key in values)) return isPositional ? `${command.name} needs at least one of ${key}.` : `${flag.flag} is required.`
  return `${isPositional ? key : flag.flag}: ${issue?.message ?? 'not valid'}.`
}
