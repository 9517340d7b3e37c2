/** A plan bound to a device. Its pipelines are compiled and its bind groups made once, so that it is replayed without allocating. */
import type { CompiledKernel, EngineDevice } from '../device/engineDevice'
import { timePasses } from '../device/passTimer'
import { BufferUsage } from '../device/usage'
import { at } from '../op'
import type { Place } from './places'
import type { Plan, PlannedDispatch } from './planGraph'
import { UNIFORM_STRIDE } from './planGraph'
import type { ScratchPool } from './scratchPool'
import { SubmitPace } from '../device/submitPace'

export interface StateRange {
  readonly buffer: GPUBuffer
  /** In bytes, a multiple of 256. */
  readonly offset: number
}
export type StateLookup = (name: string) => StateRange

/** The gate is called between submits. It resolves when the step may continue, and rejects when the step must stop. */
export type Gate = () => Promise<void> | void

/** The cost of launching a dispatch, in FLOP, so that hundreds of tiny dispatches do not look free. */
const DISPATCH_FLOPS = 50_000

interface Encoded {
  readonly pipeline: GPUComputePipeline
  readonly group: GPUBindGroup
  readonly workgroups: readonly [number, number, number]
  readonly work: number
}

export class Executable {
  readonly plan: Plan
  readonly #engine: EngineDevice
  readonly #encoded: readonly Encoded[]
  readonly #batch: ReadonlyMap<string, GPUBuffer>
  readonly #outputs: ReadonlyMap<string, GPUBuffer>
  readonly #uniforms: GPUBuffer | null
  #pace: SubmitPace | null = null

  private constructor(
    engine: EngineDevice,
    plan: Plan,
    encoded: readonly Encoded[],
    buffers: { batch: Map<string, GPUBuffer>; outputs: Map<string, GPUBuffer>; uniforms: GPUBuffer | null },
  ) {
    this.#engine = engine
    this.plan = plan
    this.#encoded = encoded
    this.#batch = buffers.batch
    this.#outputs = buffers.outputs
    this.#uniforms = buffers.uniforms
  }

  static async create(engine: EngineDevice, plan: Plan, pool: ScratchPool, state: StateLookup): Promise<Executable> {
    const kernels = await Promise.all(plan.dispatches.map((planned) => engine.kernel(planned.dispatch)))
    const slots = pool.buffers(plan.slots)
    const own = (sizes: ReadonlyMap<string, number>): Map<string, GPUBuffer> =>
      new Map([...sizes].map(([name, bytes]) => [name, engine.createBuffer(name, bytes)]))
    const batch = own(plan.batch)
    const outputs = own(plan.outputs)
    const uniforms =
      plan.memory.uniforms > 0 ? engine.createBuffer('params', plan.memory.uniforms, BufferUsage.UNIFORM | BufferUsage.COPY_DST) : null
    const words = new DataView(new ArrayBuffer(plan.memory.uniforms))
    const resolve = (place: Place): StateRange => {
      switch (place.kind) {
        case 'slot':
          return { buffer: at(slots, place.slot), offset: 0 }
        case 'batch':
          return { buffer: named(batch, place.name), offset: 0 }
        case 'output':
          return { buffer: named(outputs, place.name), offset: 0 }
        case 'state':
          return state(place.name)
      }
    }
    let uniformOffset = 0
    const encoded = plan.dispatches.map((planned, index): Encoded => {
      const kernel = at(kernels, index)
      const entries: GPUBindGroupEntry[] = planned.bindings.map((binding, position) => {
        const range = resolve(binding.place)
        return { binding: position, resource: { buffer: range.buffer, offset: range.offset + binding.offset, size: binding.size } }
      })
      if (planned.dispatch.params && uniforms) {
        planned.dispatch.params.forEach((word, position) => {
          if ('u32' in word) words.setUint32(uniformOffset + position * 4, word.u32, true)
          else words.setFloat32(uniformOffset + position * 4, word.f32, true)
        })
        entries.push({ binding: entries.length, resource: { buffer: uniforms, offset: uniformOffset, size: 48 } })
        uniformOffset += UNIFORM_STRIDE
      }
      expectBindings(planned, kernel, entries.length)
      return {
        pipeline: kernel.pipeline,
        group: engine.device.createBindGroup({ label: planned.op, layout: kernel.layout, entries }),
        workgroups: planned.dispatch.workgroups,
        work: Math.max(planned.dispatch.flops ?? 0, (planned.dispatch.bytes ?? 0) / 2) + DISPATCH_FLOPS,
      }
    })
    if (uniforms) engine.write(uniforms, new Uint32Array(words.buffer))
    // A buffer without memory would read back as zeros.
    await engine.settled()
    return new Executable(engine, plan, encoded, { batch, outputs, uniforms })
  }

  /** Uploads a batch tensor. Data may be shorter than the tensor: the tail keeps its old contents, which kernels do not read because live counts stop them. */
  write(name: string, data: Float32Array | Uint32Array): void {
    const buffer = this.#batch.get(name)
    // A tensor that no live op reads has no buffer; a name that never existed is a mistake the caller's tests find.
    if (!buffer) return
    if (data.byteLength > buffer.size) throw new Error(`${name}: ${data.byteLength} bytes do not fit the planned ${buffer.size}`)
    this.#engine.write(buffer, data)
  }

  outputBuffer(name: string): GPUBuffer {
    const buffer = this.#outputs.get(name)
    if (!buffer) throw new Error(`the plan has no output ${name}`)
    return buffer
  }

  readOutput(name: string, count: number): Promise<Float32Array> {
    return this.#engine.readF32(this.outputBuffer(name), 0, count)
  }

  /** Encodes and submits all dispatches in submits of about 100 ms, at most two in flight. Resolves after the last submit. */
  async run(gate?: Gate): Promise<void> {
    const engine = this.#engine
    // The pace is measured per plan, because matrix products and updates have different throughputs.
    const pace = (this.#pace ??= new SubmitPace(engine.pace.msPerGflop))
    const inFlight: Promise<void>[] = []
    let lastDone = performance.now()
    let index = 0
    while (index < this.#encoded.length) {
      await gate?.()
      const { budget } = pace
      const encoder = engine.device.createCommandEncoder()
      const pass = encoder.beginComputePass()
      let work = 0
      while (index < this.#encoded.length) {
        const step = at(this.#encoded, index)
        // The number of dispatches is rounded to the nearest, so that submits take the intended time on average.
        if (work > 0 && work + step.work / 2 > budget) break
        pass.setPipeline(step.pipeline)
        pass.setBindGroup(0, step.group)
        pass.dispatchWorkgroups(step.workgroups[0], step.workgroups[1], step.workgroups[2])
        engine.counters.dispatches++
        work += step.work
        index++
      }
      pass.end()
      const started = performance.now()
      engine.submit(encoder)
      const done = engine.finished().then(() => {
        const now = performance.now()
        const ms = now - Math.max(started, lastDone)
        for (const one of [pace, engine.pace]) one.learn(work, ms)
        lastDone = now
      })
      inFlight.push(done)
      if (inFlight.length >= 2) await inFlight.shift()
      engine.activity.share(index / this.#encoded.length)
    }
  }

  /** Milliseconds of each dispatch in a pass of its own, in order, by the GPU's clock where it has one. Runs the plan once. */
  async profile(): Promise<{ op: string; shader: string; ms: number; flops: number; bytes: number }[]> {
    const encode = (step: Encoded) => (pass: GPUComputePassEncoder) => {
      pass.setPipeline(step.pipeline)
      pass.setBindGroup(0, step.group)
      pass.dispatchWorkgroups(step.workgroups[0], step.workgroups[1], step.workgroups[2])
    }
    const times = await timePasses(this.#engine.device, this.#encoded.map(encode), () => performance.now())
    this.#engine.check()
    return this.plan.dispatches.map(({ op, dispatch: { shader, flops = 0, bytes = 0 } }, index) => ({
      op,
      shader,
      ms: at(times, index),
      flops,
      bytes,
    }))
  }

  /** Waits until everything submitted so far has run. */
  async finish(): Promise<void> {
    await this.#engine.finished()
    this.#engine.check()
  }

  destroy(): void {
    for (const buffer of [...this.#batch.values(), ...this.#outputs.values()]) this.#engine.destroyBuffer(buffer)
    if (this.#uniforms) this.#engine.destroyBuffer(this.#uniforms)
  }
}

function named<T>(items: ReadonlyMap<string, T>, name: string): T {
  const item = items.get(name)
  if (item === undefined) throw new Error(`no buffer ${name}`)
  return item
}

function expectBindings(planned: PlannedDispatch, kernel: CompiledKernel, found: number): void {
  if (kernel.kinds.length !== found)
    throw new Error(`${planned.op}: shader ${planned.dispatch.shader} declares ${kernel.kinds.length} bindings, the op gives ${found}`)
}
