/** Which kernels a command computes with: those its run began with, the ones `hone tune` kept, or the fixed ones. */
import type { EngineDevice } from '../engine/device/engineDevice'
import { KERNELS_VERSION } from '../engine/products/productKernels'
import type { TunedClass } from '../engine/products/tuneProducts'
import { adapterName, type KernelTable } from '../records/kernelTable'
import type { GpuInfo } from '../records/run'
import { loadKernelTable, saveKernelTable } from '../storage/kernelTables'
import { openNodeBlobs } from '../storage/nodeStore'
import type { CommandContext } from './command'
import { join } from 'node:path'

const folderOf = ({ homeDirectory }: Pick<CommandContext, 'homeDirectory'>): string => join(homeDirectory, 'kernels')

export const tableOf = (report: GpuInfo, half: boolean, tuned: readonly TunedClass[]): KernelTable => ({
  ...{ version: 1, adapter: adapterName(report), kernels: KERNELS_VERSION, half },
  choices: Object.fromEntries(tuned.map(({ name, choice }) => [name, choice])),
})

/** Adds to what is kept for this adapter: another model has other classes. Returns the whole. */
export async function keepKernels(context: Pick<CommandContext, 'homeDirectory'>, table: KernelTable): Promise<KernelTable> {
  const files = await openNodeBlobs(folderOf(context))
  const before = await loadKernelTable(files, table)
  const whole = { ...table, choices: { ...before?.choices, ...table.choices } }
  await saveKernelTable(files, whole)
  return whole
}

export type KernelWish = 'fixed' | 'tuned' | 'tuned-half'

/** The table for a new run. Nothing asked: what was kept for this adapter if it is a GPU. */
export async function keptKernels(
  context: Pick<CommandContext, 'homeDirectory'>,
  report: GpuInfo,
  wish: KernelWish | undefined,
): Promise<KernelTable | null> {
  if ((wish ?? (report.isSoftware ? 'fixed' : 'tuned')) === 'fixed') return null
  const key = { adapter: adapterName(report), kernels: KERNELS_VERSION, half: wish === 'tuned-half' }
  return loadKernelTable(await openNodeBlobs(folderOf(context)), key)
}

/** Makes the plans of a device use a table. */
export function useKernels(engine: EngineDevice, table: KernelTable | null | undefined): void {
  engine.products = engine.productKernels(table?.choices ?? {}, table?.half ?? false)
}
