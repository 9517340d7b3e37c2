/** The tool server of `hone serve`: opens what the flags, a configuration file and the environment name. */
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { createOpenaiChat } from '../agents/openaiChat'
import { endpointOf, normaliseBaseUrl } from '../base/serverAddress'
import type { FileTree } from '../base/fileTree'
import { readServerConfig, type ServerConfig } from '../environments/stabletoolbench/config'
import { openToolServer } from '../environments/stabletoolbench/openToolServer'
import { realApi } from '../environments/stabletoolbench/realApi'
import { stableToolBenchSettings, type StableToolBenchSettings } from '../environments/stabletoolbench/settings'
import type { RealApi } from '../environments/stabletoolbench/toolServer'
import { virtualApi } from '../environments/stabletoolbench/virtualApi'
import type { Simulate } from '../environments/worldParts'
import { addressFromEnvironment, keyFromEnvironment, type Upstream } from '../gateway/upstream'
import type { VirtualHandler } from '../gateway/virtual'
import { parseYaml } from '../training/recipes/yaml'
import { UsageError, type CommandContext } from './command'
import { openFileTree } from './node/fileTree'
import { overlayFolder } from './node/overlayFolder'
import type { VirtualOptions } from './virtualOptions'

/** null when no flag asks for a tool server. Throws UsageError for flags and files that cannot be used. */
export async function openVirtual(
  options: VirtualOptions,
  upstream: Upstream | null,
  context: CommandContext,
): Promise<VirtualHandler | null> {
  const asked = Object.values(options).some((value) => value !== undefined)
  if (!asked) return null
  const { values } = readConfig(options.config, context)
  const given = {
    tools: options.tools ?? values.tools_folder,
    cache: options.cache ?? values.cache_folder,
    simulator: options.simulator ?? values.api_base,
    model: options.simulatorModel ?? values.model,
  }
  if (given.tools === undefined && given.cache === undefined) throw new UsageError('The tool server needs --tools or --cache.')
  const settings = readSettings(options, values)
  const onProblem = (sentence: string): void => {
    context.progress(sentence)
  }
  const { server } = openToolServer(
    {
      tools: await openNamed(given.tools),
      cache: await openNamed(given.cache),
      overlay: values.is_save === false ? undefined : overlayFolder(options.save ?? join(context.homeDirectory, 'tool_response_cache')),
      realApi: openRealApi(values.toolbench_url, context),
      simulate: openSimulator(given, upstream, context),
      onProblem,
    },
    settings,
  )
  const handler = virtualApi(server)
  return async (body, signal) => handler(body, signal)
}

const openNamed = async (path: string | undefined): Promise<FileTree | undefined> => (path === undefined ? undefined : openFileTree(path))

/** Says of every field whether it is used. Paths are relative to the file. */
function readConfig(file: string | undefined, context: Pick<CommandContext, 'progress'>): ServerConfig {
  if (file === undefined) return readServerConfig({})
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}.`)
  const { fields, values } = readServerConfig(parseYaml(basename(file), readFileSync(file, 'utf8')).fields)
  for (const { field, use, note } of fields) context.progress(`${basename(file)}, ${field}: ${use}. ${note}`)
  const inFolder = (path: string | undefined) => (path === undefined ? undefined : resolve(dirname(file), path))
  const [tools, cache] = [inFolder(values.tools_folder), inFolder(values.cache_folder)]
  return {
    fields,
    values: { ...values, ...(tools === undefined ? {} : { tools_folder: tools }), ...(cache === undefined ? {} : { cache_folder: cache }) },
  }
}

function readSettings({ toolSettings, simulatorPrompt }: VirtualOptions, { temperature }: ServerConfig['values']): StableToolBenchSettings {
  if (simulatorPrompt !== undefined && !existsSync(simulatorPrompt)) throw new UsageError(`There is no file ${simulatorPrompt}.`)
  const read = stableToolBenchSettings.strict().safeParse({
    ...(temperature === undefined ? {} : { simulator_temperature: temperature }),
    ...(simulatorPrompt === undefined ? {} : { simulator_prompt: readFileSync(simulatorPrompt, 'utf8') }),
    ...jsonObject(toolSettings ?? '{}'),
  })
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new UsageError(`--tool-settings: ${[...(issue?.path ?? []), issue?.message ?? 'it is not valid'].join(': ')}.`)
}

function jsonObject(text: string): Record<string, unknown> {
  try {
    const read = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text))
    if (read.success) return read.data
  } catch {
    // The sentence below is about both.
  }
  throw new UsageError(`--tool-settings: expected a JSON object, found ${text}`)
}

function openRealApi(fromFile: string | undefined, context: CommandContext): RealApi | undefined {
  const key = keyFromEnvironment(process.env, 'TOOLBENCH_KEY')
  const url = addressFromEnvironment(process.env, 'TOOLBENCH_URL', 'http://localhost:8080/rapidapi') ?? fromFile ?? null
  if (key !== null && url !== null) return realApi({ url, key, fetch: context.fetch })
  if (key !== null || url !== null)
    context.progress(`The real APIs are not asked: ${key === null ? 'TOOLBENCH_KEY' : 'TOOLBENCH_URL'} is not set.`)
  return undefined
}

/** Rejects with the server's own sentence, which the tool server turns into a reply. */
function openSimulator(
  { simulator, model }: { readonly simulator: string | undefined; readonly model: string | undefined },
  upstream: Upstream | null,
  context: CommandContext,
): Simulate | undefined {
  if (simulator === undefined) return undefined
  if (model === undefined) throw new UsageError('--simulator needs --simulator-model, the name of the model.')
  const chat = createOpenaiChat({
    baseUrl: simulator,
    model,
    apiKey: simulatorKey(simulator, upstream),
    fetch: context.fetch,
    sleep: (ms, signal) => wait(ms, undefined, signal ? { signal } : {}),
    now: Date.now,
  })
  return async (messages, options) => {
    const reply = await chat.complete({ messages, ...options })
    if (reply.ok) return reply.value.text
    context.progress(`The model that plays the APIs: ${reply.message}`)
    throw new Error(reply.message)
  }
}

/** A key of its own; the gateway's only for the gateway's server: a key is sent to no other host. */
function simulatorKey(address: string, upstream: Upstream | null): string {
  const own = keyFromEnvironment(process.env, 'SIMULATOR_API_KEY')
  if (own !== null) return own
  const origin = (url: string): string => endpointOf(normaliseBaseUrl(url), '/chat/completions').origin
  return upstream !== null && origin(upstream.baseUrl) === origin(address) ? (upstream.apiKey ?? '') : ''
}
