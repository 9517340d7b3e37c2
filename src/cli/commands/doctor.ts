/** `hone doctor`: what this machine offers, and whether its adapter computes correctly; of a checkpoint, what it is and how well its numbers agree. */
import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { EngineDevice } from '../../engine/device/engineDevice'
import { WEIGHT_FORMATS, type WeightFormat } from '../../engine/weightFormat'
import { PUBLISHED_NAMES, type PublishedName } from '../../models/publishedShapes'
import type { ModelConfig } from '../../models/architectures/config'
import type { TensorSource } from '../../models/weights/safetensors'
import { parseJson } from '../../models/weights/byteSource'
import { drawnWith, samplingFilters } from '../../records/samplingFilters'
import { gpuInfoOf } from '../gpuInfo'
import { defineCommand, UsageError, type CommandContext, type JsonObject } from '../command'
import type { Check } from '../doctor/check'
import { checkpointReport, type MemoryRow } from '../doctor/checkpointReport'
import { planChecks, planReport, type PlanReport } from '../doctor/planReport'
import { losslessFormat, parseReference, referenceAgreement } from '../doctor/referenceAgreement'
import { answerChecks, promptModel, type Answer, type PromptHost, type Question } from '../doctor/promptedModel'
import { openFolder, openModel } from '../modelSpec'
import { findChrome } from '../node/chrome'
import { findDriverFile } from '../node/dawn'
import type { Quantity } from '../../base/quantity'

const doctorOptions = z.object({
  model: z.string().optional().meta({
    help: 'the checkpoint to check: starter, a Hugging Face folder, hf:OWNER/NAME[@REVISION] on the Hub, or the https address of a folder',
  }),
  reference: z.string().optional().meta({
    help: 'expected numbers of --model: JSON {ids, logprobs, logits}, as test/golden/checkpoint_reference.py writes with transformers',
  }),
  dtype: z
    .enum(WEIGHT_FORMATS)
    .optional()
    .meta({ help: 'how weights are stored while they are compared or prompted (by default unchanged), or planned (by default int4)' }),
  prompt: z.string().min(1).optional().meta({
    help: 'text that --model continues, after its BOS token if it has one: shows whether it loads and answers, and how much memory that takes',
  }),
  newTokens: z.int().positive().default(16).meta({ help: '--prompt: most tokens of the answer' }),
  temperature: z.number().nonnegative().default(0).meta({ help: '--prompt: sampling temperature; 0 is greedy' }),
  ...samplingFilters.shape,
  stop: z.array(z.string().min(1)).default([]).meta({ help: '--prompt: the answer ends once it holds this text' }),
  seed: z.int().nonnegative().default(1).meta({ help: '--prompt: seed of sampling' }),
  plan: z
    .enum(PUBLISHED_NAMES)
    .optional()
    .meta({ help: 'plan the memory of a LoRA step of a model of this shape, with gradient_checkpointing' }),
  tokens: z.int().positive().default(1024).meta({ help: '--plan: tokens of the step' }),
  rank: z.int().positive().default(8).meta({ help: '--plan: rank of the adapter, on all seven projections' }),
  allocate: z.boolean().default(false).meta({ help: '--plan: allocate all of it and count the bytes' }),
})

export const doctor = defineCommand({
  name: 'doctor',
  summary: 'reports the WebGPU adapter, its limits and what is missing on this machine; compares a checkpoint with a reference file',
  options: doctorOptions,
  run: async (context, options) => {
    if (options.model === undefined && options.reference !== undefined) throw new UsageError('--reference goes with --model.')
    if (options.model === undefined && options.prompt !== undefined) throw new UsageError('--prompt goes with --model.')
    if (options.plan === undefined && options.allocate) throw new UsageError('--allocate goes with --plan.')
    const { adapter } = await context.openAdapter()
    const report = gpuInfoOf(adapter)
    const device = await context.openDevice()
    const checks: Check[] = [
      { name: 'node', ok: true, detail: process.versions.node },
      await checkArithmetic(device),
      {
        name: 'adapter kind',
        ok: true,
        detail: report.isSoftware ? 'software: correct but slow; its speed says nothing about a GPU' : 'hardware',
      },
      optionalCheck(
        'shader-f16',
        adapter.features.has('shader-f16'),
        'half-precision arithmetic',
        'not offered; weights are packed instead',
      ),
      optionalCheck(
        'subgroups',
        adapter.features.has('subgroups'),
        `sizes ${subgroupSizes(adapter.info)}`,
        'not offered; slower reductions',
      ),
      presence('swiftshader', findDriverFile('swiftshader')),
      presence('lavapipe', findDriverFile('lavapipe')),
      presence('chrome', findChrome()),
      checkStorage(context.homeDirectory),
    ]
    const engine = new EngineDevice(device, { isSoftware: report.isSoftware })
    const model = options.model === undefined ? null : await lookAtModel(options.model, options, engine, context)
    const plan = options.plan === undefined ? null : await planOf(options.plan, options, report.isSoftware, context)
    return {
      adapter: { name: context.adapterName, ...report, limits: undefined },
      limits: report.limits,
      checks: [...checks, ...(model?.checks ?? []), ...(plan ? planChecks(plan, device.limits.maxStorageBufferBindingSize) : [])],
      ...(model ? { memory: model.memory, agreement: model.agreement, answer: model.answer } : {}),
      ...(plan ? { plan } : {}),
    }
  },
  show: showReport,
})

interface ModelFindings {
  readonly checks: readonly Check[]
  /** Bytes of LoRA training, by the format of the frozen weights. */
  readonly memory: readonly MemoryRow[]
  readonly agreement: readonly Quantity[]
  /** What it says to --prompt. */
  readonly answer: Answer | null
}

async function lookAtModel(
  spec: string,
  options: z.output<typeof doctorOptions>,
  engine: EngineDevice,
  context: CommandContext,
): Promise<ModelFindings> {
  const { reference, dtype, prompt } = options
  const { folder, close } = await openFolder(spec, context)
  try {
    const { checks, memory, config, tensors } = await checkpointReport(folder, engine)
    const isWhole = checks.every(({ ok }) => ok)
    if (!config || !tensors || !isWhole) return { checks, memory, agreement: [], answer: null }
    const modelConfig = { ...config, weight_format: dtype ?? losslessFormat(tensors) }
    const agreement = reference === undefined ? [] : await agreementWith(reference, modelConfig, tensors, engine, context)
    const answer =
      prompt === undefined ? null : await answerOf(spec, questionOf(prompt, options), modelConfig.weight_format, engine, context)
    return {
      checks: [
        ...checks,
        ...agreement.map((one) => agreementCheck(one, modelConfig.weight_format)),
        ...(answer ? answerChecks(answer, modelConfig.weight_format) : []),
      ],
      ...{ memory, agreement, answer },
    }
  } finally {
    await close()
  }
}

function agreementWith(
  file: string,
  modelConfig: ModelConfig,
  tensors: TensorSource,
  engine: EngineDevice,
  context: CommandContext,
): Promise<Quantity[]> {
  return referenceAgreement(
    engine,
    modelConfig,
    tensors,
    parseReference(parseJson(textOf(file), file), file, modelConfig),
    context.adapterName,
  )
}

const questionOf = (prompt: string, options: z.output<typeof doctorOptions>): Question => ({
  ...{ prompt, newTokens: options.newTokens, seed: options.seed, stop: options.stop },
  ...{ temperature: options.temperature, ...drawnWith(options) },
})

async function answerOf(
  spec: string,
  question: Question,
  dtype: WeightFormat,
  { isSoftware }: EngineDevice,
  context: CommandContext,
): Promise<Answer> {
  const model = await openModel(spec, 1, context, { weights: dtype, kv: 'f32' })
  try {
    return await promptModel(model, question, { device: await context.openDevice(), isSoftware, ...hostParts(context) })
  } finally {
    await model.close()
  }
}

const hostParts = (context: CommandContext): Pick<PromptHost, 'now' | 'residentBytes'> => ({
  now: () => performance.now(),
  residentBytes: () => context.residentBytes(),
})

/** On a device of its own, so that nothing else is counted. */
async function planOf(
  name: PublishedName,
  { tokens, rank, allocate, dtype = 'int4' }: z.output<typeof doctorOptions>,
  isSoftware: boolean,
  context: CommandContext,
): Promise<PlanReport> {
  return planReport({ name, tokens, rank, dtype }, { device: await context.openDevice(), isSoftware, ...hostParts(context) }, allocate)
}

function textOf(file: string): string {
  if (!existsSync(file)) throw new UsageError(`There is no file ${file}.`)
  return readFileSync(file, 'utf8')
}

function agreementCheck({ name, source, pass, maxAbs, maxRel, relL2, bound, tolerance }: Quantity, weights: string): Check {
  const [absolute, relative, norm, limit] = [maxAbs, maxRel, relL2, tolerance].map((value) => value.toExponential(1))
  return {
    name: `${name} beside ${source}`,
    ok: pass,
    detail: `max |Δ| ${absolute ?? ''} · max |Δ| / max ${relative ?? ''} · relative L2 ${norm ?? ''}; ${bound} at most ${limit ?? ''}; weights in ${weights}`,
  }
}

const subgroupSizes = (info: GPUAdapterInfo): string => `${info.subgroupMinSize} to ${info.subgroupMaxSize}`
const presence = (name: string, path: string | null): Check => ({ name, ok: true, detail: path ?? 'not found' })
const optionalCheck = (name: string, has: boolean, yes: string, no: string): Check => ({ name, ok: true, detail: has ? yes : no })

const PROBE = `@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= arrayLength(&x)) { return; }
  x[id.x] = fma(x[id.x], 3.0, 1.0);
}`

/** Integers below 2²⁴ are exact in f32: anything but equality is a broken driver. */
async function checkArithmetic(device: GPUDevice): Promise<Check> {
  const count = 1000
  const bytes = count * 4
  const buffer = device.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
  const staging = device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(
    buffer,
    0,
    Float32Array.from({ length: count }, (_, i) => i),
  )
  const pipeline = await device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code: PROBE }) },
  })
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(pipeline)
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: [{ binding: 0, resource: { buffer } }] }))
  pass.dispatchWorkgroups(Math.ceil(count / 64))
  pass.end()
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(GPUMapMode.READ)
  const wrong = new Float32Array(staging.getMappedRange()).findIndex((value, i) => value !== i * 3 + 1)
  staging.unmap()
  for (const done of [buffer, staging]) done.destroy()
  const detail = wrong === -1 ? `${count} values computed and read back` : `value ${wrong} is wrong: the driver computes incorrectly`
  return { name: 'compute', ok: wrong === -1, detail }
}

function checkStorage(directory: string): Check {
  const existing = firstExisting(directory)
  try {
    accessSync(existing, constants.W_OK)
  } catch {
    return { name: 'storage', ok: false, detail: `${directory} cannot be written` }
  }
  const { bavail, bsize } = statfsSync(existing)
  return { name: 'storage', ok: true, detail: `${directory}, ${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB free` }
}

const firstExisting = (path: string): string => (existsSync(path) || dirname(path) === path ? path : firstExisting(dirname(path)))

const reportSchema = z.object({
  adapter: z.object({ name: z.string(), description: z.string(), vendor: z.string(), architecture: z.string() }),
  limits: z.record(z.string(), z.number()),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
})

function showReport(result: JsonObject): string {
  const { adapter, limits, checks } = reportSchema.parse(result)
  const shown = ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeInvocationsPerWorkgroup']
  return [
    `${adapter.name}: ${adapter.description} (${adapter.vendor} ${adapter.architecture})`,
    ...shown.map((name) => `  ${name} ${limits[name]?.toLocaleString('en') ?? 'unknown'}`),
    ...checks.map((check) => `${check.ok ? '✓' : '✗'} ${check.name}: ${check.detail}`),
  ].join('\n')
}
