/** The MCP servers that `hone serve` offers: commands of this computer, and environments of the catalogue. */
import { basename } from 'node:path'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { environments } from '../environments'
import type { Environment, EnvironmentDefinition } from '../environments/environment'
import { serveEnvironment } from '../environments/mcp/environmentServer'
import type { McpSource } from '../gateway/mcpBridge'
import { processTransport } from '../gateway/mcpProcess'
import { UsageError } from './command'

export interface NamedCommand {
  readonly name: string
  /** The program and its arguments. */
  readonly words: readonly string[]
}

/** `NAME=COMMAND`, or a command that is named after the package or program it runs. Throws UsageError. */
export function namedCommand(given: string): NamedCommand {
  const named = /^([A-Za-z][\w.-]*)=(.*)$/s.exec(given)
  const words = commandWords(named?.[2] ?? given)
  if (words.length === 0)
    throw new UsageError(`--mcp ${given} has no command; write --mcp "npx -y @modelcontextprotocol/server-everything".`)
  return { name: named?.[1] ?? nameOf(words), words }
}

/** The words of a command line, with quotes and backslashes as a shell reads them. No shell runs it, so that nothing else in it means anything. */
export function commandWords(command: string): string[] {
  const words: string[] = []
  const piece = /\s*((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)\s*/sy
  for (let at = 0; at < command.length; at = piece.lastIndex) {
    piece.lastIndex = at
    const found = piece.exec(command)
    if (!found) {
      if (command.slice(at).trim() === '') break
      throw new UsageError(`The command ${command} has a quote that does not end, at ${command.slice(at).trim().slice(0, 40)}.`)
    }
    words.push(
      (found[1] ?? '').replaceAll(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs,
        (_, single?: string, double?: string, escaped?: string) => single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
      ),
    )
  }
  return words
}

/** `server-everything` of `npx -y @modelcontextprotocol/server-everything@1 stdio`. */
function nameOf(words: readonly string[]): string {
  const [program = '', ...rest] = words
  const runs = ['npx', 'node', 'python', 'python3', 'uvx', 'bunx', 'deno'].includes(basename(program))
    ? rest.find((word) => !word.startsWith('-'))
    : program
  const name = basename(runs ?? program)
    .replace(/(?!^)@.*$/, '')
    .replaceAll(/[^\w.-]/g, '')
    .replace(/\.([cm]?[jt]s|py)$/, '')
  return name === '' ? 'server' : name
}

/** Throws UsageError for two commands of one name. @param log gets what the processes write to their standard error. */
export function commandSources(given: readonly string[], log: (line: string) => void): Readonly<Record<string, McpSource & NamedCommand>> {
  const sources: Record<string, McpSource & NamedCommand> = {}
  for (const { name, words } of given.map(namedCommand)) {
    if (name in sources)
      throw new UsageError(`Two MCP servers are named ${name}: name one of them, as in --mcp other="${words.join(' ')}".`)
    sources[name] = { name, words, title: `The MCP server ${name}`, open: () => processTransport(words, (line) => log(`${name}: ${line}`)) }
  }
  return sources
}

/** An environment of the catalogue that needs no data. Throws UsageError. */
export function builtInEnvironment(name: string): Environment {
  const builtIn = Object.values<EnvironmentDefinition>(environments).filter(({ needs }) => needs === undefined)
  const found = builtIn.find((definition) => definition.name === name)
  if (!found)
    throw new UsageError(
      `There is no environment ${name} that can be offered as an MCP server; there is ${builtIn.map((one) => one.name).join(', ')}.`,
    )
  const made = found.create({})
  if (made instanceof Promise) throw new UsageError(`${name} cannot be offered as an MCP server.`)
  return made
}

/** Throws UsageError. */
export function worldSources(names: readonly string[]): Readonly<Record<string, McpSource>> {
  return Object.fromEntries(
    names.map((name) => {
      const environment = builtInEnvironment(name)
      const open = async (): Promise<InMemoryTransport> => {
        const [outer, inner] = InMemoryTransport.createLinkedPair()
        await serveEnvironment(environment, inner)
        return outer
      }
      return [name, { title: environment.title, open }]
    }),
  )
}
