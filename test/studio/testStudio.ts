/** A studio in Node: memory store, the built-in starter files, a scripted policy backend in the GPU's place. */
import { stepsOf } from '../../src/records/trajectory'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openScriptedAgent, type Script } from '../../src/agents/strategies/scriptedSession'
import type { TextCodec } from '../../src/base/textCodec'
import { compact } from '../../src/agents/callFormats/compact'
import { strategies } from '../../src/agents/strategies'
import { GIVE_UP } from '../../src/environments/compactSyntax'
import { oraclePolicy } from '../../src/environments/starter/expert'
import type { StarterWorld } from '../../src/environments/starter/world'
import { PROJECTIONS } from '../../src/models/architectures/decoder'
import { parseModelConfig } from '../../src/models/architectures/config'
import { architectureOf } from '../../src/models/languageModel'
import { writeSafetensors } from '../../src/models/weights/writeSafetensors'
import type { GpuInfo } from '../../src/records/run'
import { createMemoryStore } from '../../src/storage/memoryStore'
import type { Store } from '../../src/storage/store'
import type { StudioParts } from '../../src/studio/parts'
import { createStudio } from '../../src/studio/studio'
import type { ActingPolicy, PolicyBackend } from '../../src/studio/runs/policyBackend'
import type { AdapterTensors } from '../../src/training/policy/adapterTensors'
import { initialLora, randomWeights } from '../../src/training/policy/initialWeights'
import { trainableEntries, type TrainableSet } from '../../src/training/policy/policyModel'
import type { JobSnapshot, StudioDescription, StudioEvent } from '../../src/worker/protocol'
import type { StudioApi } from '../../src/worker/studioApi'
import { projectRoot } from '../support/sources'

export const report: GpuInfo = {
  vendor: 'test',
  architecture: 'scripted',
  device: '',
  description: 'Scripted adapter',
  isSoftware: true,
  features: [],
  limits: {
    maxBufferSize: 1 << 30,
    maxStorageBufferBindingSize: 1 << 30,
    maxStorageBuffersPerShaderStage: 10,
    maxComputeInvocationsPerWorkgroup: 256,
    maxComputeWorkgroupStorageSize: 32_768,
  },
}

/** Stands where a device would: whatever computes on it is scripted too. */
export function fakeDevice(): { readonly device: GPUDevice; readonly lose: (message: string) => void } {
  let lose: (info: { reason: 'unknown' | 'destroyed'; message: string }) => void = () => undefined
  const lost = new Promise((resolve) => (lose = resolve))
  const device = {
    features: new Set<string>(),
    limits: report.limits,
    lost,
    addEventListener: () => undefined,
    destroy: () => undefined,
  }
  return {
    device: device as unknown as GPUDevice,
    lose: (message) => {
      lose({ reason: 'unknown', message })
    },
  }
}

let starterWeights: Uint8Array<ArrayBuffer> | null = null
async function randomStarter(): Promise<Uint8Array<ArrayBuffer>> {
  if (starterWeights) return starterWeights
  const config = parseModelConfig(JSON.parse(readFileSync(join(projectRoot, 'public/starter/config.json'), 'utf8')))
  const reader = randomWeights(config, 1)
  const tensors: Record<string, { shape: readonly number[]; data: Float32Array; dtype: 'F16' }> = {}
  for (const [name, shape] of Object.entries(architectureOf(config).parameters(config)))
    tensors[name] = { shape, data: await reader.read(name, shape), dtype: 'F16' }
  return (starterWeights = writeSafetensors(tensors))
}

/** Weights are random: the real ones come and go with the recipe. */
export async function readStarterAsset(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  if (path === 'starter/model.safetensors') return randomStarter()
  if (path === 'starter/manifest.json') return null
  try {
    return new Uint8Array(readFileSync(join(projectRoot, 'public', path)))
  } catch {
    return null
  }
}

/** Solves as many exam queries as its skill says; one step of training makes it better. */
export function scriptedPolicyBackend(
  options: { readonly skill?: number; readonly delayMs?: number; readonly failAt?: number; readonly hangAt?: number } = {},
): PolicyBackend & { readonly destroyed: number; readonly isHeld: boolean } {
  const { skill = 0.4, delayMs = 0, failAt = Number.POSITIVE_INFINITY, hangAt = Number.POSITIVE_INFINITY } = options
  const wait = (): Promise<void> => (delayMs > 0 ? new Promise((resolve) => setTimeout(resolve, delayMs)) : Promise.resolve())
  const counts = { destroyed: 0, atGates: 0 }
  /** A gate that counts who stands before it. */
  const watched = (gate: () => Promise<void> | void) => async (): Promise<void> => {
    counts.atGates += 1
    try {
      await gate()
    } finally {
      counts.atGates -= 1
    }
  }

  function acting(trainable: TrainableSet, seed: number, steps: number, gate: () => Promise<void> | void, codec: TextCodec): ActingPolicy {
    return {
      async rollout(request) {
        const world = request.environment as StarterWorld
        const made = []
        for (const query of request.queries)
          for (let sample = 0; sample < request.samples; sample++) {
            await wait()
            await gate()
            const oracle = oraclePolicy(world, query)
            const isAble = (query.index * 7) % 10 < (skill + 0.1 * steps) * 10
            const script: Script = (observations) =>
              isAble || observations.length === 0 ? oracle(observations) : { name: GIVE_UP, arguments: {} }
            const limits = { maxNewTokens: 64, maxContext: 512 }
            const trajectory = await strategies.cot.run({
              query,
              openSession: () => openScriptedAgent(script, { codec, format: compact, ...limits }),
              openEpisode: () => world.open(query),
              budget: { toolCalls: request.callBudget, modelCalls: null },
              temperature: request.temperature,
              ...limits,
              trajectoryId: `rollout/${query.query_id}/${sample}`,
              sample,
              source: 'rollout',
              worldHash: world.hash,
            })
            request.onText(
              stepsOf(trajectory)
                .map(({ completion }) => completion)
                .join('\n'),
            )
            request.onTrajectory(trajectory)
            made.push(trajectory)
          }
        return made
      },
      logProbs: (ids) => Promise.resolve(ids.slice(1).map(() => -1 + 0.1 * steps)),
      adapter: () => {
        const config = parseModelConfig(JSON.parse(readFileSync(join(projectRoot, 'public/starter/config.json'), 'utf8')))
        const tensors = new Map<string, { shape: readonly number[]; values: Float32Array }>()
        for (const { name, shape } of trainableEntries(config, trainable))
          tensors.set(name, { shape, values: initialLora(name, shape, seed).map((value) => value + 0.01 * steps) })
        return Promise.resolve<AdapterTensors>(tensors)
      },
      destroy: () => {
        counts.destroyed += 1
        return Promise.resolve()
      },
    }
  }
  return {
    get destroyed() {
      return counts.destroyed
    },
    /** An open gate is passed at once: whoever still stands there is held. */
    get isHeld() {
      return counts.atGates > 0
    },
    openPolicy: ({ trainable, seed, gate, model }) => Promise.resolve(acting(trainable, seed, 0, watched(gate), model.tokenizer)),
    async train({ configured: { settings: config }, context, model, data, practice }) {
      const gate = watched(context.gate)
      const lora = { rank: Number(config.lora_r ?? 8), alpha: Number(config.lora_alpha ?? 16), targets: PROJECTIONS }
      const trainable: TrainableSet = { kind: 'lora', lora, valueHead: true }
      const steps = context.steps ?? 1
      for (let step = 0; step < steps; step++) {
        if (step === failAt) throw new Error('the GPU device was lost: the driver reset')
        while (step === hangAt) {
          await new Promise((resolve) => setTimeout(resolve, 5))
          await gate()
        }
        const batch = data ?? (await practice(acting(trainable, context.seed, step, gate, model.tokenizer), step))
        await wait()
        await gate()
        context.report(step, { loss: 1 / (step + 1), 'objective/kl': 0.1 * step, num_tokens: (step + 1) * batch.length * 50 })
      }
      return acting(trainable, context.seed, steps, gate, model.tokenizer)
    },
  }
}

export interface TestStudio {
  readonly studio: StudioApi
  readonly description: StudioDescription
  readonly store: Store
  /** Everything the page heard, in order. */
  readonly events: StudioEvent[]
  readonly batches: { readonly at: number; readonly events: readonly StudioEvent[] }[]
  readonly lose: (message: string) => void
  /** Resolves with the job's last word. */
  readonly finished: (jobId: string) => Promise<JobSnapshot>
  readonly until: (holds: () => boolean) => Promise<void>
  readonly close: () => void
}

/** `on` gpu: what acts and learns is the real thing, on the device that `changes` opens. */
export async function openTestStudio(
  changes: Partial<StudioParts> = {},
  store: Store = createMemoryStore(),
  on: 'script' | 'gpu' = 'script',
): Promise<TestStudio> {
  const fake = fakeDevice()
  const parts: StudioParts = {
    openDevice: () => Promise.resolve({ ok: true, device: fake.device, report }),
    openStore: () => Promise.resolve(store),
    fetch: () => Promise.reject(new TypeError('no network in tests')),
    readAsset: readStarterAsset,
    now: () => Date.now(),
    clock: () => performance.now(),
    random: () => Math.random(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    storageEstimate: () => Promise.resolve({ usage: 1000, quota: 1_000_000 }),
    claim: () => Promise.resolve({ ok: true, release: () => undefined, takenOver: null }),
    ...(on === 'script' ? { policyBackend: scriptedPolicyBackend() } : {}),
    ...changes,
  }
  const studio = createStudio(parts)
  const channel = new MessageChannel()
  const events: StudioEvent[] = []
  const batches: { at: number; events: readonly StudioEvent[] }[] = []
  channel.port1.onmessage = ({ data }: MessageEvent<readonly StudioEvent[]>) => {
    events.push(...data)
    batches.push({ at: performance.now(), events: data })
  }
  const reply = await studio.connect('http://localhost/', channel.port2)
  if (!reply.ok) throw new Error(reply.message)
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const lastOf = (jobId: string): JobSnapshot | undefined =>
    events.flatMap((event) => (event.type === 'job' && event.job.job_id === jobId ? [event.job] : [])).at(-1)
  return {
    studio,
    description: reply.value,
    store,
    events,
    batches,
    lose: fake.lose,
    until,
    finished: async (jobId) => {
      const isOver = (): boolean => !['running', 'paused', undefined].includes(lastOf(jobId)?.state)
      await until(isOver)
      const last = lastOf(jobId)
      if (!last) throw new Error('no event of the job came')
      return last
    },
    close: () => {
      channel.port1.close()
    },
  }
}

export function file(name: string, content: string): File {
  return new File([content], name)
}
