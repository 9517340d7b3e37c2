/** Results of benchmarks as lines for a person. */
import type { LossRow } from './lossBench'
import type { ProcessMemoryReport } from './memoryBench'
import type { BenchRow } from './paired'
import type { SoakBenchReport } from './soakBench'
import type { TrainBenchReport } from './trainBench'

const number = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 2 : 0 })
const percent = (value: number, digits = 0): string => `${(100 * value).toFixed(digits)} %`
const megabytes = (bytes: number): string => `${number(bytes / 1e6)} MB`
const verdict = (isMet: boolean): string => (isMet ? 'met' : 'NOT MET')

export function rowText({
  name,
  peer,
  ours,
  theirs,
  ratio,
  unit,
  interval,
  ...rest
}: BenchRow & { readonly shareOfPeak?: number }): string {
  const beside =
    theirs === null || ratio === null
      ? ''
      : `   ${peer ?? ''} ${number(theirs)}   ratio ${ratio.toFixed(2)}${interval ? ` [${interval[0].toFixed(2)}, ${interval[1].toFixed(2)}]` : ''}`
  const share = rest.shareOfPeak === undefined ? '' : `   ${percent(rest.shareOfPeak)} of peak`
  return `${name.padEnd(28)} ${number(ours).padStart(12)} ${unit}${share}${beside}`
}

export function trainText(train: Omit<TrainBenchReport, 'rows'>, memory: ProcessMemoryReport | null, hasProfile: boolean): string[] {
  const { counts, profile, stop, roofline, predictedBytes, peakBytes } = train
  const { longest } = profile
  return [
    `${percent(train.shareOfPeak)} of the peak of ${roofline.gflops.toFixed(1)} GFLOP/s; first step after ${number(train.coldMs.ours)} ms`,
    `one step: ${counts.stepMs.toFixed(1)} ms, ${counts.dispatches} dispatches`,
    `submits: ${counts.submits}, at most ${counts.submitBound} (⌈step / 100 ms⌉ + 2): ${verdict(counts.submits <= counts.submitBound)}`,
    `synchronous readbacks: ${counts.readbacksBetweenSubmits}, 0 wanted: ${verdict(counts.readbacksBetweenSubmits === 0)}`,
    `longest dispatch: ${longest.ms.toFixed(2)} ms, ${longest.op} (${longest.shader}), at most 100: ${verdict(longest.ms <= 100)}`,
    `encoding: ${counts.encodeMs.toFixed(1)} ms, ${percent(counts.encodeShare, 1)} of the step, at most 20 %: ${verdict(counts.encodeShare <= 0.2)}`,
    `pause within ${stop.pauseMs.toFixed(0)} ms, cancel within ${stop.cancelMs.toFixed(0)} ms (longest of ${stop.tries}), at most 250: ${verdict(Math.max(stop.pauseMs, stop.cancelMs) <= 250)}`,
    `buffers: ${number(peakBytes)} bytes at the peak, ${number(predictedBytes)} predicted, within 1 %: ${verdict(Math.abs(peakBytes / predictedBytes - 1) <= 0.01)}`,
    memory
      ? `process memory: ${megabytes(memory.residentGrowth)} more for ${megabytes(memory.bufferBytes)} of buffers (${number(memory.parameters / 1e6)} M parameters), within 10 %: ${verdict(Math.abs(memory.ratio - 1) <= 0.1)}`
      : 'process memory: the buffers are the GPU’s, not this process’s',
    `bytes moved: ${megabytes(train.bytesMoved)} a step by plan, ${(train.bytesMoved / train.leastBytes).toFixed(1)} times the ${megabytes(train.leastBytes)} that weights, gradients and moments need`,
    ...profileText(profile, counts.dispatches, counts.submits),
    ...(hasProfile ? profileRows(profile) : []),
  ]
}

function profileText(profile: TrainBenchReport['profile'], dispatches: number, submits: number): string[] {
  const { kernelMs, wallMs, share, clock, dispatchMs, submitMs } = profile
  const what = clock === 'timestamps' ? 'by the GPU’s clock' : 'each waited for: the adapter has no timestamps'
  const line = `kernels: ${kernelMs.toFixed(1)} ms (${what}) of ${wallMs.toFixed(1)} ms a step: ${percent(share)}`
  if (share >= 0.8) return [line]
  const launch = dispatches * dispatchMs
  const wait = submits * submitMs
  return [
    line,
    `  the other ${(wallMs - kernelMs).toFixed(1)} ms: launching ${dispatches} dispatches at ${(1000 * dispatchMs).toFixed(1)} µs is ${launch.toFixed(1)} ms, ${submits} submits at ${submitMs.toFixed(2)} ms are ${wait.toFixed(1)} ms, ${(wallMs - kernelMs - launch - wait).toFixed(1)} ms remain`,
  ]
}

function profileRows({ rows }: TrainBenchReport['profile']): string[] {
  return [
    '       ms  count   GFLOP/s  of peak      GB/s  of peak',
    ...rows.map(
      ({ op, shader, count, ms, gflops, gigabytesPerSecond, shareOfFlops, shareOfBytes }) =>
        `${ms.toFixed(2).padStart(9)}  ×${String(count).padEnd(4)} ${gflops.toFixed(2).padStart(9)} ${percent(shareOfFlops).padStart(8)} ${gigabytesPerSecond.toFixed(2).padStart(9)} ${percent(shareOfBytes).padStart(8)}  ${op} (${shader})`,
    ),
  ]
}

const LOSS_MEMORY = 64e6

export function lossText(row: LossRow): string[] {
  return [
    `${rowText(row)}   ${number(row.ms)} ms`,
    `  beside its operands ${megabytes(row.extraBytes)} (logits would be ${megabytes(row.logitsBytes)}), at most 64 MB: ${verdict(row.extraBytes <= LOSS_MEMORY)}`,
  ]
}

export function soakText({ marks, first, last, drift, driftBesideKernel }: SoakBenchReport, steps: number): string[] {
  const [start, end] = [marks[0], marks.at(-1)]
  const buffers = new Set(marks.map(({ bufferBytes }) => bufferBytes)).size === 1
  return [
    ...marks.map(
      ({ step, bufferBytes, residentBytes }) =>
        `after ${step} steps: ${number(bufferBytes)} bytes of buffers, ${megabytes(residentBytes)} resident`,
    ),
    `buffers do not grow: ${verdict(buffers)}; resident ${megabytes((end?.residentBytes ?? 0) - (start?.residentBytes ?? 0))} more at the end`,
    `first tenth of ${steps} steps ${number(first.tokensPerSecond)} tokens/s, last tenth ${number(last.tokensPerSecond)}: ${percent(drift, 1)}`,
    `a fixed kernel beside them ${first.kernelMs.toFixed(2)} ms, then ${last.kernelMs.toFixed(2)} ms: against it ${percent(driftBesideKernel, 1)}, at least -3 %: ${verdict(driftBesideKernel >= -0.03)}`,
  ]
}
