/** What `hone bench` can measure, and how much of it. */
import { z } from 'zod'
import { WEIGHT_FORMATS } from '../engine/weightFormat'
import { problemSizes, type ProblemName } from './trainProblem'

export const benchKinds = ['gemm', 'train', 'decode', 'loss', 'load', 'soak'] as const
export type BenchKind = (typeof benchKinds)[number]
const names = Object.keys(problemSizes) as ProblemName[]

export const benchOptions = z.object({
  kinds: z
    .array(z.enum(benchKinds))
    .min(1)
    .meta({ help: `what to measure: ${benchKinds.join(', ')}` }),
  peers: z
    .boolean()
    .default(true)
    .meta({ help: 'train, gemm, decode: also measure those of jax-js, tfjs and transformers.js that are installed' }),
  installPeers: z.boolean().default(false).meta({ help: 'install tfjs and transformers.js into .cache/peers first (550 MB)' }),
  peerDevice: z
    .enum(['cpu', 'webgpu'])
    .optional()
    .meta({ help: 'decode: where transformers.js computes; by default cpu beside a software adapter, otherwise webgpu' }),
  pairs: z
    .int()
    .positive()
    .optional()
    .meta({ help: 'how often each side is timed, in turn; by default 20, and 5 for decode, loss and load' }),
  sizes: z.array(z.int().positive()).default([512, 768, 1024]).meta({ help: 'gemm: matrix sizes' }),
  size: z
    .enum(names)
    .default('small')
    .meta({ help: 'train, soak: the model, small (2 layers, hidden 128) or large (4 layers, hidden 256)' }),
  batches: z.array(z.int().positive()).default([1, 8, 32]).meta({ help: 'decode: how many sequences are generated at once' }),
  dtypes: z.array(z.enum(WEIGHT_FORMATS)).default(['f16', 'int4']).meta({ help: 'decode, loss, load: how weights are stored' }),
  tokens: z.int().min(2).default(32).meta({ help: 'decode: how many tokens each sequence gets' }),
  vocabulary: z.int().multipleOf(4).positive().default(128_256).meta({ help: 'loss: entries of the vocabulary' }),
  hidden: z.int().multipleOf(32).positive().default(512).meta({ help: 'loss: width of the hidden states' }),
  rows: z.int().positive().default(1024).meta({ help: 'loss: how many tokens' }),
  steps: z.int().min(50).default(1000).meta({ help: 'soak: how many training steps' }),
  profile: z.boolean().default(false).meta({ help: 'train: report the time of every kernel' }),
  seed: z.int().nonnegative().default(1).meta({ help: 'train, soak: seed of weights and tokens' }),
  out: z.string().optional().meta({ help: 'also write the JSON to this file' }),
})
export type BenchOptions = z.output<typeof benchOptions>
