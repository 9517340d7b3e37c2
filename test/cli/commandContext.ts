/** Commands in a test: run as the command line runs them, with directories of their own. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseCommandLine } from '../../src/cli/args'
import type { Command, CommandContext, JsonObject } from '../../src/cli/command'
import { projectRoot } from '../support/sources'

export function temporaryDirectory(): string {
  return mkdtempSync(join(process.env.HONE_TEST_DIRECTORY ?? tmpdir(), 'hone-cli-'))
}

export interface TestContext {
  readonly context: CommandContext
  /** Lines of progress so far. */
  readonly said: string[]
}

/** @param parts the adapter and devices, for commands that compute. */
export function testContext(parts: Partial<CommandContext> = {}): TestContext {
  const said: string[] = []
  const refuse = (): never => {
    throw new Error('this command needs no GPU')
  }
  const context: CommandContext = {
    adapterName: 'default',
    json: true,
    signal: new AbortController().signal,
    onInterrupt: () => undefined,
    fetch: () => Promise.reject(new Error('no network in tests')),
    projectRoot,
    homeDirectory: temporaryDirectory(),
    progress: (line) => void said.push(line),
    print: () => undefined,
    residentBytes: () => process.memoryUsage.rss(),
    openAdapter: refuse,
    openDevice: refuse,
    ...parts,
  }
  return { context, said }
}

/** Reads the words as the command line does and runs the command. */
export async function run(command: Command, words: readonly string[], context: CommandContext): Promise<JsonObject> {
  const { options, extra } = parseCommandLine(command, words)
  const result = await command.run(context, options, extra)
  // What --json prints and a program reads.
  return JSON.parse(JSON.stringify(result)) as JsonObject
}

/** A folder with the starter's tokenizer and a much smaller model's shape: for `random:FOLDER`. */
export function tinyModelFolder(): string {
  const folder = join(temporaryDirectory(), 'tiny')
  mkdirSync(folder)
  const starter = join(projectRoot, 'public/starter')
  for (const file of ['tokenizer.json', 'tokenizer_config.json']) cpSync(join(starter, file), join(folder, file))
  const config: unknown = JSON.parse(readFileSync(join(starter, 'config.json'), 'utf8'))
  const smaller = {
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    max_position_embeddings: 1024,
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify(Object.assign({}, config, smaller)))
  return folder
}
