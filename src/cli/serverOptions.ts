/** Flags for models behind servers with OpenAI's `/chat/completions`. Keys come from the environment, never from flags. */
import { z } from 'zod'
import { callFormats } from '../agents/callFormats'
import { upstreamFromEnvironment } from '../gateway/upstream'
import type { ServerModel } from '../records/requests'
import { UsageError } from './command'

const price = z.string().regex(/^\d+(\.\d+)?,\d+(\.\d+)?$/, 'expected two numbers with a comma between them, such as 0.15,0.60')

function pricesIn(text: string): NonNullable<ServerModel['price']> {
  const [input = 0, output = 0] = text.split(',').map(Number)
  return { input, output }
}

/** The model that acts. */
export const serverOptions = {
  server: z.string().optional().meta({
    help: 'address of a server with OpenAI’s API; --model is then the name of its model, and its key is read from OPENAI_API_KEY',
  }),
  concurrency: z.int().positive().default(8).meta({ help: 'server: how many requests are sent at a time' }),
  maxTokens: z.int().positive().optional().meta({ help: 'server: most tokens of an answer; by default as many as the benchmark allows' }),
  serverTokens: z
    .boolean()
    .default(false)
    .meta({ help: 'server: ask for token ids and log-probabilities, which training on the attempts needs; vLLM gives them' }),
  textFormat: z
    .enum(Object.keys(callFormats))
    .optional()
    .meta({ help: 'server: call format that reads calls out of the text, for servers that do not do it' }),
  stream: z.boolean().default(false).meta({ help: 'server: let it send its text piece by piece' }),
  price: price.optional().meta({ help: 'server: price of a million tokens read and of a million written, such as 0.15,0.60' }),
} as const

/** The model that plays a tool server. */
export const simulatorOptions = {
  simulator: z.string().optional().meta({
    help: 'address of a server with OpenAI’s API whose model plays the tools that have no reply stored; its key is read from OPENAI_API_KEY',
  }),
  simulatorModel: z.string().optional().meta({ help: 'simulator: name of its model' }),
} as const

const keyFor = (baseUrl: string): string => {
  const upstream = upstreamFromEnvironment(process.env)
  // A key is only sent to the server that it belongs to, or to the one that the user names beside it.
  return upstream && (process.env.OPENAI_BASE_URL === undefined || sameHost(upstream.baseUrl, baseUrl)) ? (upstream.apiKey ?? '') : ''
}

function sameHost(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).host === new URL(b).host
}

/** The part of a request that the flags give; empty without --server. */
export function serverGiven(options: z.output<z.ZodObject<typeof serverOptions>> & { readonly model: string }): {
  readonly server?: ServerModel
} {
  const { server, model, concurrency, maxTokens, serverTokens, textFormat, stream, price: priced } = options
  if (server === undefined) return {}
  return {
    server: {
      ...{ baseUrl: server, model, apiKey: keyFor(server), concurrency },
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(serverTokens ? { wantsTokens: true } : {}),
      ...(textFormat === undefined ? {} : { textFormat }),
      ...(stream ? { stream: true } : {}),
      ...(priced === undefined ? {} : { price: pricesIn(priced) }),
    },
  }
}

/** Empty without --simulator. Throws UsageError when the model has no name. */
export function simulatorGiven({ simulator, simulatorModel }: z.output<z.ZodObject<typeof simulatorOptions>>): {
  readonly simulator?: ServerModel
} {
  if (simulator === undefined) return {}
  if (simulatorModel === undefined) throw new UsageError('--simulator needs --simulator-model, the name of its model.')
  return { simulator: { baseUrl: simulator, model: simulatorModel, apiKey: keyFor(simulator) } }
}
