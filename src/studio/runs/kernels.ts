/**
 * Kernels of a training run in the studio. On a GPU they are timed once, before the first run that needs them, kept for this adapter, and
 * written into the run; a resumed run computes with the kernels it began with. On a processor they are fixed.
 */
import { KERNELS_VERSION, productClass } from '../../engine/products/productKernels'
import { tuneProducts } from '../../engine/products/tuneProducts'
import type { ModelConfig } from '../../models/architectures/config'
import { productShapes } from '../../models/productShapes'
import type { TrainRequest } from '../../records/requests'
import { adapterName, type KernelTable } from '../../records/kernelTable'
import { loadKernelTable, saveKernelTable, type TableFiles } from '../../storage/kernelTables'
import type { Store } from '../../storage/store'
import type { TrainableSet } from '../../training/policy/policyModel'
import type { OpenGpu } from '../jobs/gpuAccess'
import type { JobControl } from '../jobs/jobControl'
import type { RunRecorder } from './runRecorder'

/** Weights from which a product takes a GPU longer than launching it. */
const WORTH = 2 ** 18

export interface KernelParts {
  readonly opened: OpenGpu
  readonly store: Pick<Store, 'readBlob' | 'writeBlob'>
  readonly clock: () => number
  /** What the request says; when absent, measured once and then used on a GPU, fixed on a processor. */
  readonly choice?: TrainRequest['kernels']
}

/** Sets the device to the run's kernels; returns what puts it back. */
export async function settleKernels(
  model: ModelConfig,
  trainable: TrainableSet,
  recorder: Pick<RunRecorder, 'record' | 'change'>,
  control: Pick<JobControl, 'gate' | 'phase' | 'advance'>,
  { opened: { engine, report }, store, clock, choice }: KernelParts,
): Promise<() => void> {
  const hasStarted = recorder.record.steps_done > 0 || recorder.record.kernels !== undefined
  let table = recorder.record.kernels ?? null
  if (!hasStarted && (choice ?? (report.isSoftware ? 'fixed' : 'tuned')) !== 'fixed') {
    const files: TableFiles = { read: (name) => store.readBlob(name), write: (name, bytes) => store.writeBlob(name, bytes) }
    const key = { version: 1 as const, adapter: adapterName(report), kernels: KERNELS_VERSION, half: choice === 'tuned-half' }
    const kept = (await loadKernelTable(files, key)) ?? { ...key, choices: {} }
    // `hone tune` measures those that round to f16, and what a processor is asked for.
    const measures = choice !== 'tuned-half' && !report.isSoftware
    const missing = (measures ? productShapes : () => [])(model, trainable.kind === 'lora' ? trainable.lora : null).filter(
      (shape) => shape.columns * shape.inner >= WORTH && kept.choices[productClass(shape)] === undefined,
    )
    table = kept
    if (missing.length > 0) {
      table = await tuned(kept, missing)
      await saveKernelTable(files, table)
    }
    if (measures || Object.keys(table.choices).length > 0) await recorder.change({ kernels: table })
  }
  const before = engine.products
  if (table) engine.products = engine.productKernels(table.choices, table.half)
  return () => {
    engine.products = before
  }

  async function tuned(kept: KernelTable, missing: ReturnType<typeof productShapes>): Promise<KernelTable> {
    const classes = new Set(missing.map(productClass)).size
    control.phase('starting', classes, 'Choosing matrix kernels for this GPU, once')
    const found = await tuneProducts(engine, missing, {
      ...{ now: clock, gate: control.gate },
      report: (done) => {
        control.advance(done)
      },
    })
    return { ...kept, choices: { ...kept.choices, ...Object.fromEntries(found.map(({ name, choice }) => [name, choice])) } }
  }
}
