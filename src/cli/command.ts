/**
 * What a command is. One file per command in `commands/`, one line in `commands/index.ts`.
 * Flags, defaults and help come from the zod schema: `maxCalls` is `--max-calls`, `max_context_len` is `--max_context_len`.
 */
import type { z } from 'zod'
import type { AdapterName, NodeAdapter } from './node/dawn'

export type JsonObject = Readonly<Record<string, unknown>>

export interface CommandContext {
  /** `--adapter` */
  readonly adapterName: AdapterName
  /** True under `--json`. */
  readonly json: boolean
  /** Ctrl-C aborts it, unless the command pauses its work instead; a second Ctrl-C ends the process. */
  readonly signal: AbortSignal
  /** While `pause` is set, the first Ctrl-C calls it and aborts nothing; null: Ctrl-C aborts again. */
  onInterrupt(pause: (() => void) | null): void
  /** The only way out to the network. */
  readonly fetch: typeof fetch
  /** The project's root: `public/` and `dist/` are there. */
  readonly projectRoot: string
  /** Where runs and caches are kept: `HONE_HOME`, else `.hone` in the current directory. */
  readonly homeDirectory: string
  /** A line of progress, on stderr. */
  progress(line: string): void
  /** Text for a person, on stdout; nothing under `--json`. */
  print(text: string): void
  /** Bytes of this process that are in memory now. */
  residentBytes(): number
  openAdapter(): Promise<NodeAdapter>
  /** A device with all limits and useful features of the adapter. The device is destroyed when the command is over. */
  openDevice(): Promise<GPUDevice>
}

interface CommandDefinition<Options extends z.ZodObject> {
  readonly name: string
  /** Half a sentence for the list of commands. */
  readonly summary: string
  /** `z.string().meta({ help: 'what it is for' })`; defaults and choices show in the help by themselves. */
  readonly options: Options
  /** The array option that collects the bare words: `files` for `import FILE…`. */
  readonly positionals?: keyof z.output<Options> & string
  /**
   * Further flags that depend on those already given (`train` takes its algorithm's config). They are read by this schema's types but
   * not validated and not defaulted: `run` gets only what was typed, to lay over a config file.
   */
  readonly extraOptions?: (given: JsonObject) => z.ZodObject | null
  /** How a person sees the result; without it the JSON is printed indented. */
  readonly show?: (result: JsonObject) => string
  readonly run: (context: CommandContext, options: z.output<Options>, extra: JsonObject) => Promise<JsonObject>
}

/** A command with its option types folded away, as the catalogue holds it. */
export interface Command {
  readonly name: string
  readonly summary: string
  readonly options: z.ZodObject
  readonly positionals: string | null
  readonly extraOptions: (given: JsonObject) => z.ZodObject | null
  readonly show: (result: JsonObject) => string
  /** `given` has passed through `options`. */
  readonly run: (context: CommandContext, given: JsonObject, extra: JsonObject) => Promise<JsonObject>
}

export function defineCommand<Options extends z.ZodObject>(definition: CommandDefinition<Options>): Command {
  const { name, summary, options } = definition
  return {
    name,
    summary,
    options,
    positionals: definition.positionals ?? null,
    extraOptions: definition.extraOptions ?? (() => null),
    show: definition.show ?? ((result) => JSON.stringify(result, null, 2)),
    run: (context, given, extra) => definition.run(context, options.parse(given), extra),
  }
}

/** A failure the user can act on: its message is the one sentence they see. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}

/** What shells expect of a program that Ctrl-C ended. */
export const INTERRUPTED_CODE = 130

/** The command ended because of Ctrl-C. */
export class InterruptedError extends UsageError {
  override readonly name = 'InterruptedError'
}
