/** Stores results as files: the JSON of the command, and how busy the machine was besides. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'

export interface MachineState {
  readonly cpu: string
  readonly cores: number
  /** Processes that wanted to run, mean of the last minute: above the cores, others slowed the measurement down. */
  readonly load: number
  readonly time: string
}

export function machineNow(): MachineState {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), load: loadavg()[0] ?? 0, time: new Date().toISOString() }
}

export function writeResult(file: string, result: unknown): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(result, null, 1)}\n`)
}
