/** metrics.jsonl: a line for each step, with a checksum. Lines of earlier versions have none. */
import { z } from 'zod'
import { checked, withChecksum } from './checksum'

export interface MetricColumnsOfSteps {
  readonly step: readonly number[]
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>
}

/** JSON has no NaN: such a value is null. */
const metricLine = z.object({ step: z.int().nonnegative() }).catchall(z.number().nullable())
type MetricLine = z.infer<typeof metricLine>

export interface ReadMetricLines {
  /** In the order of steps, one for each step. */
  readonly lines: readonly MetricLine[]
  /** Numbers, from 1, of the lines that cannot be read or whose checksum does not fit. Half a last line is none of them. */
  readonly damaged: readonly number[]
}

/** A step that comes again replaces itself and the steps after it: a resumed run takes those again. */
export function readMetricLines(text: string): ReadMetricLines {
  let lines: MetricLine[] = []
  const damaged: number[] = []
  const pieces = text.split('\n')
  for (const [index, piece] of pieces.entries()) {
    if (piece.trim() === '') continue
    const line = readLine(piece)
    if (line) {
      if ((lines.at(-1)?.step ?? -1) >= line.step) lines = lines.filter(({ step }) => step < line.step)
      lines.push(line)
      // A process that is killed leaves half a line, which has no line end.
    } else if (index < pieces.length - 1) damaged.push(index + 1)
  }
  return { lines, damaged }
}

function readLine(text: string): MetricLine | null {
  try {
    const { value, isWhole } = checked(JSON.parse(text))
    return isWhole ? (metricLine.safeParse(value).data ?? null) : null
  } catch {
    return null
  }
}

export const metricLinesText = (lines: readonly MetricLine[]): string =>
  lines.map((line) => `${JSON.stringify(withChecksum(line))}\n`).join('')

export function linesOfColumns({ step, columns }: MetricColumnsOfSteps): MetricLine[] {
  return step.map((at, index): MetricLine => {
    const values = Object.entries(columns).flatMap(([name, all]) => (all[index] === undefined ? [] : [[name, all[index]] as const]))
    return { step: at, ...Object.fromEntries(values) }
  })
}

export function columnsOfLines(lines: readonly MetricLine[]): MetricColumnsOfSteps {
  const names = [...new Set(lines.flatMap(({ step: _step, ...values }) => Object.keys(values)))]
  return {
    step: lines.map(({ step }) => step),
    columns: Object.fromEntries(names.map((name) => [name, lines.map((line) => line[name] ?? null)])),
  }
}
