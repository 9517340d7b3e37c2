/** Requests for jobs, which the page and the command line both send. Each has one schema, which the studio checks first. */
import { z } from 'zod'
import { promptPack } from './promptPack'
import { samplingFilters } from './samplingFilters'

/** How a base model's frozen weights are stored: int8 and int4 in groups of 32, with embedding and head in 8 bits. */
export const WEIGHT_DTYPES = ['f32', 'bf16', 'f16', 'int8', 'int4'] as const
export type WeightDtype = (typeof WEIGHT_DTYPES)[number]
/** How generation stores keys and values; training rounds its own alike. */
export const CACHE_DTYPES = ['f32', 'f16'] as const
export type CacheDtype = (typeof CACHE_DTYPES)[number]
/** Matrix kernels: fixed, those measured on this GPU, or those measured with activations rounded to f16. */
export const KERNEL_CHOICES = ['fixed', 'tuned', 'tuned-half'] as const

const seed = z.int()
const count = z.int().positive()

/** When a run is stored, so that it can be resumed from there, and which of its weights are kept beside the last. */
const checkpointSettings = z.object({
  everySteps: count,
  everyMinutes: z.number().positive(),
  best: z.object({ metric: z.string(), greaterIsBetter: z.boolean() }).nullable(),
})
export type CheckpointSettings = Readonly<z.infer<typeof checkpointSettings>>

/** A LoRA adapter that is here: what an earlier run left, or one that was imported. */
const adapterRef = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('run'), run_id: z.string(), which: z.enum(['last', 'best']) }),
  z.object({ kind: z.literal('imported'), adapter_id: z.string() }),
])
export type InitialAdapterRef = Readonly<z.infer<typeof adapterRef>>

/** What a request says of a strategy besides its name. */
const strategyGiven = {
  /** When absent, its usual settings. */
  strategySettings: z.record(z.string(), z.unknown()).readonly().exactOptional(),
  /** Completions of the model in an episode; when absent, as many as the strategy usually takes. */
  maxModelCalls: count.exactOptional(),
}

/** How the policy practises. */
const practiceSettings = z.object({
  /** When absent, `cot`. */
  strategy: z.string().exactOptional(),
  ...strategyGiven,
  /** Tool calls of an episode; when absent, as many as the benchmark allows. */
  maxCalls: count.exactOptional(),
  /** Episodes generated at once; results do not depend on it. When absent, a number that suits the GPU. */
  slots: count.exactOptional(),
})

/** A model behind a server with OpenAI's `/chat/completions`. */
const serverAddress = {
  baseUrl: z.string(),
  /** The name by which the server knows it. */
  model: z.string(),
  /** In memory only; '' for none. */
  apiKey: z.string(),
}

export const serverModel = z.object({
  ...serverAddress,
  /** Requests at a time; when absent, 4. */
  concurrency: count.exactOptional(),
  /** Tokens of one answer; when absent, as many as the benchmark allows. */
  maxTokens: count.exactOptional(),
  /** Asks for token ids and log-probabilities, which training on the attempts needs; vLLM gives them. */
  wantsTokens: z.boolean().exactOptional(),
  /** Name of the call format that reads calls out of the text, for servers that do not. */
  textFormat: z.string().exactOptional(),
  /** Lets the server send its text piece by piece. */
  stream: z.boolean().exactOptional(),
  /** Per million tokens, in one currency. */
  price: z.object({ input: z.number().nonnegative(), output: z.number().nonnegative() }).exactOptional(),
})
export type ServerModel = Readonly<z.infer<typeof serverModel>>

/** What the user gives a benchmark besides its name. */
const benchmarkGiven = {
  /** The model that plays the tool server where the benchmark has one that needs it. */
  simulator: serverModel.readonly().exactOptional(),
  /** Id of the data that it reads, or a path where the host has directories. */
  benchmarkData: z.string().exactOptional(),
  benchmarkSettings: z.record(z.string(), z.unknown()).readonly().exactOptional(),
}

/** How a model's prompts are written, and its calls read. */
const formatting = {
  /** Name of a call format; null or absent: the one that the model's chat template teaches. */
  callFormat: z.string().nullable().exactOptional(),
  /** Texts of prompts in place of our own. */
  promptPack: promptPack.exactOptional(),
}

/** Where a host with directories keeps the run; when absent, where it keeps runs by itself. */
const folder = z.string().min(1).exactOptional()

export const trainRequest = z
  .object({
    kind: z.literal('train'),
    algorithm: z.string(),
    /** Id of a model that is here, or a name that the host knows how to open. */
    model: z.string(),
    /** Ids of data sets; empty: online rollouts, or an expert's transcripts. */
    data: z.array(z.string()).readonly(),
    /** Whose practice or expert it learns from without `data`; when absent, the default one. */
    benchmark: z.string().exactOptional(),
    ...benchmarkGiven,
    config: z.record(z.string(), z.unknown()).readonly(),
    steps: count.nullable(),
    seed,
    /** The initial adapter of the run; when absent, a new one is drawn. */
    initAdapter: adapterRef.readonly().exactOptional(),
    /** How frozen weights are stored; when absent, f32. */
    dtype: z.enum(WEIGHT_DTYPES).exactOptional(),
    /** How keys and values are stored during generation; when absent, f32. */
    kvDtype: z.enum(CACHE_DTYPES).exactOptional(),
    /** Train on the first N rows only; null for all. */
    rowLimit: count.nullable(),
    /** When absent, a checkpoint is stored every 10 steps and every 2 minutes, and only the last weights stay. */
    checkpoints: checkpointSettings.readonly().optional(),
    /** Without `data`: learn from the transcripts of the benchmark's expert, drawn under these settings, instead of practising. */
    expert: z.record(z.string(), z.unknown()).readonly().exactOptional(),
    /** Draws another world than the usual one. */
    worldSeed: seed.exactOptional(),
    practice: practiceSettings.readonly().exactOptional(),
    ...formatting,
    /** The null experiment: step rewards and statuses are permuted within each batch. */
    shuffleRewards: z.boolean().exactOptional(),
    /** Tokens kept of trajectories, for algorithms whose settings have no such limits. */
    limits: z.object({ maxContextLen: count.exactOptional(), maxResponseLen: count.exactOptional() }).readonly().exactOptional(),
    /** When absent, kernels are measured once and then used on a GPU, and fixed on a processor. */
    kernels: z.enum(KERNEL_CHOICES).exactOptional(),
    folder,
    /** Whether the run in `folder`, if there is one, is resumed. */
    resume: z.boolean().exactOptional(),
  })
  .readonly()
export type TrainRequest = z.infer<typeof trainRequest>

const storySize = z.enum(['gpu', 'software'])
const storyRequest = z
  .object({
    kind: z.literal('story'),
    seed,
    /** null: as the GPU allows. */
    size: storySize.nullable(),
    /** Exam questions; when absent, as many as the size has. */
    examQueries: z.int().positive().exactOptional(),
    algorithm: z.string().exactOptional(),
    /** When absent, the default one. */
    benchmark: z.string().exactOptional(),
    folder,
  })
  .readonly()
export type StoryRequest = z.infer<typeof storyRequest>

/** What an exam and a rollout are both asked for. */
const acting = {
  ...formatting,
  /** Id of the model; of a server's model, its name. */
  model: z.string(),
  /** The server that has the model; when absent, it is one of the studio's. */
  server: serverModel.readonly().exactOptional(),
  /** Id of a run whose adapter acts; null for the base model. */
  adapterOf: z.string().nullable(),
  /** In its place: an imported adapter. */
  adapter: adapterRef.readonly().exactOptional(),
  /** How the base's weights are stored; when absent, as its run had them, else f32. */
  dtype: z.enum(WEIGHT_DTYPES).exactOptional(),
  kvDtype: z.enum(CACHE_DTYPES).exactOptional(),
  benchmark: z.string(),
  ...benchmarkGiven,
  /** A split of the benchmark, or a group of its exam. */
  split: z.string(),
  strategy: z.string(),
  ...strategyGiven,
  /** Tool calls of an episode; when absent, as many as the benchmark allows. */
  maxCalls: count.exactOptional(),
  /** So many queries, every group in its share, in a fixed order; null: all. */
  limit: z.int().min(1).nullable(),
  /** 0 is greedy. */
  temperature: z.number().min(0),
  /** When absent, tokens are drawn from the model's own distribution. */
  sampling: samplingFilters.readonly().exactOptional(),
  seed,
  slots: count.exactOptional(),
  folder,
}
const evaluateRequest = z.object({ kind: z.literal('evaluate'), ...acting }).readonly()
export type EvaluateRequest = z.infer<typeof evaluateRequest>

/** A model acts, and its attempts are kept as data. */
const rolloutRequest = z.object({ kind: z.literal('rollout'), ...acting, samples: count }).readonly()
export type RolloutRequest = z.infer<typeof rolloutRequest>

const judgeSettings = z.object({
  ...serverAddress,
  repeats: z.number(),
  temperature: z.number(),
  /** Most tokens of an answer; when absent, the judge's own limit. */
  maxTokens: count.exactOptional(),
  /** Requests at a time; when absent, 4. */
  concurrency: count.exactOptional(),
})
export type JudgeSettings = Readonly<z.infer<typeof judgeSettings>>
const judgeRequest = z
  .object({
    kind: z.literal('judge'),
    dataset_id: z.string(),
    trajectory_ids: z.array(z.string()).readonly(),
    settings: judgeSettings.readonly(),
  })
  .readonly()

/** A model on a Hub, or in a folder behind an address. */
const remoteModel = z.object({
  /** `owner/name`, `owner/name@revision`, the address of a model's page, or that of a folder. */
  where: z.string(),
  /** Address of the Hub, or of a mirror with its layout. */
  hub: z.string(),
  /** In memory only; '' for none. */
  token: z.string(),
})
export type RemoteModel = Readonly<z.infer<typeof remoteModel>>

const mergeRequest = z
  .object({
    kind: z.literal('merge'),
    adapter: adapterRef.readonly(),
    /** When absent, the model that the adapter was trained on, or imported for. */
    model: z.string().exactOptional(),
    /** How the base's weights were stored in training; when absent, as its run had them, else f32. */
    dtype: z.enum(WEIGHT_DTYPES).exactOptional(),
    /** Where a host with directories writes the files; when absent, they stay in memory. */
    folder: z.string().min(1).exactOptional(),
  })
  .readonly()
export type MergeRequest = z.infer<typeof mergeRequest>

const downloadRequest = z.object({ kind: z.literal('download'), model: remoteModel.readonly() }).readonly()

/** By kind. */
export const jobRequests = {
  train: trainRequest,
  story: storyRequest,
  evaluate: evaluateRequest,
  rollout: rolloutRequest,
  judge: judgeRequest,
  download: downloadRequest,
  merge: mergeRequest,
} as const
export type JobKind = keyof typeof jobRequests
export type JobRequest = { readonly [Kind in JobKind]: z.infer<(typeof jobRequests)[Kind]> }[JobKind]

/** Requests whose runs can be resumed. */
export type ResumableRequest = TrainRequest | StoryRequest
