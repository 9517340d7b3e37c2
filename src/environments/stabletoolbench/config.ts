/**
 * The configuration files of the released systems: `server/config.yml` of a tool server (StableToolBench's, StepTool's, MirrorAPI's) and
 * `stabletoolbench/config.yml` of inference. Every field is listed as used, not needed, or refused. Keys are refused: they belong into
 * environment variables, not into files.
 */
import { z } from 'zod'
import { excerpt } from '../../base/excerpt'

export type FieldUse = 'used' | 'not needed' | 'refused'

export interface ReadField {
  readonly field: string
  readonly use: FieldUse
  /** One sentence about it; a key's value is in none. */
  readonly note: string
}

export interface ServerConfig {
  readonly fields: readonly ReadField[]
  readonly values: {
    /** Address and name of the model that plays the APIs. */
    readonly api_base?: string
    readonly model?: string
    readonly temperature?: number
    /** Address of the real APIs. */
    readonly toolbench_url?: string
    /** Paths as the file has them: relative to where its server is started. */
    readonly tools_folder?: string
    readonly cache_folder?: string
    /** Whether new replies are stored. */
    readonly is_save?: boolean
  }
}

const path = z.string().min(1)
const address = z.url({ protocol: /^https?$/ })

const USED = {
  api_base: { schema: address, expected: 'an http or https address', note: 'It is the address of the model that plays the APIs.' },
  model: { schema: path, expected: 'the name of a model', note: 'It is the name of the model that plays the APIs.' },
  temperature: { schema: z.number().min(0), expected: 'a number from 0', note: 'It is the temperature of the model that plays the APIs.' },
  toolbench_url: {
    schema: address,
    expected: 'an http or https address',
    note: 'It is the address of the real APIs, which are asked if TOOLBENCH_KEY is set.',
  },
  tools_folder: { schema: path, expected: 'a path', note: 'It is the folder with the documentation of the tools.' },
  cache_folder: { schema: path, expected: 'a path', note: 'It is the folder with the recorded replies.' },
  is_save: { schema: z.boolean(), expected: 'true or false', note: 'It says whether new replies are stored.' },
} as const

/** Fields under another name. */
const ALIASES: Readonly<Record<string, keyof typeof USED>> = { tool_root_dir: 'tools_folder', tool_response_cache_dir: 'cache_folder' }

const KEYS: Readonly<Record<string, string>> = {
  api_key: 'OPENAI_API_KEY (or SIMULATOR_API_KEY for the model that plays the APIs)',
  toolbench_key: 'TOOLBENCH_KEY',
}

const NOT_NEEDED: Readonly<Record<string, string>> = {
  port: 'hone serve listens on the port that --port names.',
  host: 'hone serve listens on this computer alone.',
  log_file: 'hone serve says what it does as it does it, and keeps the new replies.',
  rapidapi_key: 'RapidAPI is not called directly; the real APIs are asked through toolbench_url.',
  use_rapidapi_key: 'RapidAPI is not called directly; the real APIs are asked through toolbench_url.',
}

/** Reads the fields of one file. Nothing is thrown: a value that cannot be meant is a refused field. */
export function readServerConfig(file: Readonly<Record<string, unknown>>): ServerConfig {
  const values: Record<string, unknown> = {}
  const fields = Object.entries(file).map(([field, value]): ReadField => {
    const key = Object.hasOwn(KEYS, field) ? KEYS[field] : undefined
    if (key !== undefined)
      return isEmpty(value)
        ? { field, use: 'not needed', note: `A key is read from the environment variable ${key}.` }
        : { field, use: 'refused', note: `A key does not belong into this file. Take it out, and set the environment variable ${key}.` }
    const alias = Object.hasOwn(ALIASES, field) ? ALIASES[field] : undefined
    const name = alias ?? field
    const note = Object.hasOwn(NOT_NEEDED, field) ? NOT_NEEDED[field] : undefined
    if (!isUsed(name)) return { field, use: 'not needed', note: note ?? 'Hone does not know this field.' }
    if (isEmpty(value)) return { field, use: 'not needed', note: 'It is empty.' }
    const { schema, expected, note: usedFor } = USED[name]
    const read = schema.safeParse(value)
    if (!read.success) return { field, use: 'refused', note: `Expected ${expected}, found ${excerpt(JSON.stringify(value))}.` }
    values[name] = read.data
    return { field, use: 'used', note: usedFor }
  })
  return { fields, values }
}

const isUsed = (name: string): name is keyof typeof USED => Object.hasOwn(USED, name)
const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === ''
