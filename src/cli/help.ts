/** Help texts, drawn from the same schemas as the flags. */
import { globalOptions } from './args'
import type { Command, JsonObject } from './command'
import { flagsOf, placeholder, type Flag } from './flags'

export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length))
  return [
    'hone COMMAND [flags]: train and evaluate tool-using language models',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'hone COMMAND --help shows the flags of a command.',
  ].join('\n')
}

/** @param given the flags typed so far: further flags may depend on them. */
export function commandHelp(command: Command, given: JsonObject = {}): string {
  const flags = flagsOf(command.options).filter(({ key }) => key !== command.positionals)
  const extra = command.extraOptions(given)
  const words = command.positionals === null ? '' : ` ${command.positionals.toUpperCase()}…`
  return [
    `hone ${command.name}${words} [flags]: ${command.summary}`,
    ...section('Flags', flags),
    ...section('Further flags', extra === null ? [] : flagsOf(extra)),
    ...section('Every command', flagsOf(globalOptions)),
  ].join('\n')
}

function section(title: string, flags: readonly Flag[]): string[] {
  if (flags.length === 0) return []
  const heads = flags.map((flag) => `  ${flag.flag}${placeholder(flag)}`)
  const width = Math.max(...heads.map((head) => head.length).filter((length) => length <= 40))
  const lines = flags.map((flag, index) => {
    const facts = [flag.schema.help, flag.required ? 'required' : defaultText(flag)].filter((fact) => fact !== undefined)
    const head = heads[index] ?? ''
    return `${head.length <= width ? head.padEnd(width) : `${head}\n${' '.repeat(width)}`}  ${facts.join('; ')}`.trimEnd()
  })
  return ['', `${title}:`, ...lines]
}

function defaultText(flag: Flag): string | undefined {
  const value = flag.schema.default
  if (value === undefined || value === false) return undefined
  return `default: ${typeof value === 'string' ? value : JSON.stringify(value)}`
}
