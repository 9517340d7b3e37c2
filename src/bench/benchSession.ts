/** One run of `hone bench`: the adapter, its devices, the options, and the baselines that are installed. */
import type { CommandContext } from '../cli/command'
import { gpuInfoOf } from '../cli/gpuInfo'
import type { NodeAdapter } from '../cli/node/dawn'
import type { GpuInfo } from '../records/run'
import { openJax, type JaxBaseline } from './baselines/jax'
import { openTfjs, type TfjsBaseline } from './baselines/tfjs'
import { openTransformers } from './baselines/transformers'
import type { BenchOptions } from './benchOptions'

const INSTALL = '--install-peers'

export class BenchSession {
  readonly options: BenchOptions
  readonly adapter: Omit<GpuInfo, 'limits'>
  readonly now = (): number => performance.now()
  readonly #context: CommandContext
  readonly #host: NodeAdapter
  #jax: JaxBaseline | null = null

  constructor(context: CommandContext, host: NodeAdapter, options: BenchOptions) {
    this.options = options
    this.#context = context
    this.#host = host
    const { limits: _limits, ...adapter } = gpuInfoOf(host.adapter)
    this.adapter = adapter
  }

  readonly progress = (line: string): void => {
    this.#context.progress(line)
  }

  /** Each measurement has a device of its own: what one leaves behind does not affect the next. */
  readonly openDevice = (): Promise<GPUDevice> => this.#context.openDevice()

  /** What every measurement takes. */
  get shared() {
    return { isSoftware: this.adapter.isSoftware, now: this.now, progress: this.progress }
  }

  /** null when it is not installed, or not wanted. */
  async jax(): Promise<JaxBaseline | null> {
    const { projectRoot } = this.#context
    if (this.options.peers) this.#jax ??= (await openJax(this.#host, projectRoot, this.now)) ?? this.#missing('jax-js', 'npm ci')
    return this.#jax
  }

  async tfjs(): Promise<TfjsBaseline | null> {
    if (!this.options.peers) return null
    return (await openTfjs(this.#context.projectRoot, await this.openDevice(), this.#host.adapter.info)) ?? this.#missing('tfjs', INSTALL)
  }

  /** Of a model and its weights. */
  readonly transformers = async (...[config, weights, device]: TransformersArguments): ReturnType<typeof openTransformers> =>
    this.options.peers
      ? ((await openTransformers(this.#context.projectRoot, config, weights, device)) ?? this.#missing('transformers.js', INSTALL))
      : null

  close(): void {
    this.#jax?.device.destroy()
  }

  #missing(what: string, how: string): null {
    this.progress(`${what} is not installed (${how} installs it): it is not measured.`)
    return null
  }
}

type TransformersArguments = Parameters<typeof openTransformers> extends [string, ...infer Rest] ? Rest : never
