/** The table of measured kernels that `hone tune` leaves for training. */
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
