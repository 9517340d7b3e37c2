/** What the browser keeps for Hone, item by item, and which of it a person may delete here. */
import { distinctNames } from '../distinctNames'

export interface StorageItem {
  readonly name: string
  readonly bytes: number
  readonly kind: string
}
export interface StorageRow extends StorageItem {
  /** What the item is called: the name people know, with the time where several have that name. */
  readonly title: string
  readonly share: number
  readonly remove: { readonly kind: 'dataset' | 'run'; readonly id: string } | null
}

export function storageRows(
  items: readonly StorageItem[],
  datasets: readonly { readonly dataset_id: string; readonly name: string; readonly created_at: string }[],
  runs: readonly { readonly run_id: string; readonly title: string; readonly created_at: string }[],
): StorageRow[] {
  const total = items.reduce((sum, item) => sum + item.bytes, 0) || 1
  const owner = (item: StorageItem): StorageRow['remove'] => {
    const isRun = /run|checkpoint|adapter/i.test(item.kind)
    const isData = /data/i.test(item.kind)
    const dataset = datasets.find((one) => item.name === one.dataset_id || item.name === one.name)
    if (dataset && !isRun) return { kind: 'dataset', id: dataset.dataset_id }
    const run = runs.find((one) => item.name === one.run_id || item.name === one.title)
    if (run && !isData) return { kind: 'run', id: run.run_id }
    return null
  }
  const names = distinctNames([
    ...datasets.map(({ name, created_at: when }) => ({ name, when })),
    ...runs.map(({ title, created_at: when }) => ({ name: title, when })),
  ])
  const ids = [...datasets.map(({ dataset_id: id }) => id), ...runs.map(({ run_id: id }) => id)]
  const titles = new Map(ids.map((id, at) => [id, names[at] ?? id]))
  return items
    .map((item) => ({ ...item, title: titles.get(item.name) ?? item.name, share: item.bytes / total, remove: owner(item) }))
    .sort((a, b) => b.bytes - a.bytes)
}

/** WebGPU limits worth reading, those that decide what fits first. */
const limitsFirst = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
]

export function limitRows(limits: Readonly<Record<string, number>>): [string, number][] {
  const rank = (name: string): number => {
    const at = limitsFirst.indexOf(name)
    return at < 0 ? limitsFirst.length : at
  }
  return Object.entries(limits).sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1))
}
