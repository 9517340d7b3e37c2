/** The lines of a run's metrics.jsonl, without their checksums. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const line = z.object({ step: z.int() }).catchall(z.number().nullable())

/** A value that is null in the file is NaN here. */
export function storedMetrics(directory: string): { step: number; metrics: Record<string, number> }[] {
  return readFileSync(join(directory, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => {
      const { step, crc32: _crc32, ...rest } = line.parse(JSON.parse(text))
      return { step, metrics: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value ?? Number.NaN])) }
    })
}
