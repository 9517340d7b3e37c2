/**
 * The main table of StepTool's README (github.com/yuyq18/StepTool, May 2025), and what the judged answers that came with it give: pass rate on
 * StableToolBench in percent, and its deviation over three judgements. The files' numbers are means of the sets, weighted by their queries.
 */
export interface PublishedCell {
  readonly method: string
  readonly strategy: string
  readonly group: string
  readonly table: PublishedRate
  /** null: a file is missing. */
  readonly files: PublishedRate | null
}
type PublishedRate = readonly [percent: number, deviation: number]

const cells: readonly (readonly [string, string, string, PublishedRate, PublishedRate | null])[] = [
  ['SFT', 'CoT', 'I1', [50.6, 1.6], [50.6, 1.6]],
  ['SFT', 'CoT', 'I2', [47.1, 0.8], [47.1, 0.8]],
  ['SFT', 'CoT', 'I3', [40.4, 0.8], [43.7, 2]],
  ['RFT', 'CoT', 'I1', [50.2, 1.2], [49.8, 1.4]],
  ['RFT', 'CoT', 'I2', [45.9, 1.8], [45.3, 1.9]],
  ['RFT', 'CoT', 'I3', [38.5, 1.2], [38.5, 1.2]],
  ['PPO', 'CoT', 'I1', [50.9, 1], [50.9, 1]],
  ['PPO', 'CoT', 'I2', [46.6, 2], [46.6, 2]],
  ['PPO', 'CoT', 'I3', [40.2, 0], [40.2, 0]],
  ['ETO', 'CoT', 'I1', [50.3, 0.9], null],
  ['ETO', 'CoT', 'I2', [45.9, 0.3], [45.9, 0.3]],
  ['ETO', 'CoT', 'I3', [38.8, 1], [38.8, 1]],
  ['ArCHer', 'CoT', 'I1', [51.8, 0.8], [52, 0.7]],
  ['ArCHer', 'CoT', 'I2', [47.5, 0.6], [47.5, 0.6]],
  ['ArCHer', 'CoT', 'I3', [35.5, 2.8], [32.8, 1.3]],
  ['StepTool', 'CoT', 'I1', [61.1, 0.7], [61.1, 0.7]],
  ['StepTool', 'CoT', 'I2', [56.6, 2.2], [56.6, 2.2]],
  ['StepTool', 'CoT', 'I3', [45.9, 1.8], [42.6, 0.7]],
  ['SFT', 'DFSDT', 'I1', [58.7, 1], [59, 1.1]],
  ['SFT', 'DFSDT', 'I2', [54.3, 1.1], [53.6, 0.9]],
  ['SFT', 'DFSDT', 'I3', [54.1, 1.3], [56.8, 3.9]],
  ['RFT', 'DFSDT', 'I1', [55, 1.6], [54.3, 1.5]],
  ['RFT', 'DFSDT', 'I2', [49.5, 0.8], [49.4, 1.4]],
  ['RFT', 'DFSDT', 'I3', [58.5, 2.4], [58.5, 2.4]],
  ['PPO', 'DFSDT', 'I1', [59.6, 1.1], [59.6, 1.1]],
  ['PPO', 'DFSDT', 'I2', [54, 1.6], [54, 1.6]],
  ['PPO', 'DFSDT', 'I3', [39.9, 0.8], [39.9, 0.8]],
  ['ETO', 'DFSDT', 'I1', [57.1, 1.2], [57.2, 1.5]],
  ['ETO', 'DFSDT', 'I2', [54.5, 2.1], [53.9, 0.6]],
  ['ETO', 'DFSDT', 'I3', [44, 2.8], [43.2, 0.4]],
  ['ArCHer', 'DFSDT', 'I1', [60, 1.5], [61, 1.5]],
  ['ArCHer', 'DFSDT', 'I2', [54.5, 0.8], [55.1, 0.6]],
  ['ArCHer', 'DFSDT', 'I3', [53.3, 2], [53.3, 2]],
  ['StepTool', 'DFSDT', 'I1', [64.1, 1.4], [62, 0.9]],
  ['StepTool', 'DFSDT', 'I2', [60.3, 0.9], [57, 1]],
  ['StepTool', 'DFSDT', 'I3', [64.8, 2.3], [66.1, 2.7]],
]

export const publishedCells: readonly PublishedCell[] = cells.map(([method, strategy, group, table, files]) => ({
  method,
  strategy,
  group,
  table,
  files,
}))

export const PUBLISHED_SOURCE = 'https://github.com/yuyq18/StepTool'

/** Answers with chains longer than four calls counted as unsolved: no chain of a baseline is longer, StepTool's chains reach 17. */
export const atFourCalls: readonly {
  readonly strategy: string
  readonly group: string
  readonly n: number
  readonly stepTool: number
  readonly capped: number
  readonly sft: number
}[] = [
  { strategy: 'CoT', group: 'I1', n: 474, stepTool: 61.1, capped: 51.3, sft: 50.7 },
  { strategy: 'CoT', group: 'I2', n: 230, stepTool: 56.6, capped: 46.3, sft: 47.1 },
  { strategy: 'CoT', group: 'I3', n: 61, stepTool: 42.6, capped: 42.6, sft: 43.7 },
  { strategy: 'DFSDT', group: 'I1', n: 473, stepTool: 61.9, capped: 55.7, sft: 59 },
  { strategy: 'DFSDT', group: 'I2', n: 230, stepTool: 57, capped: 49.2, sft: 53.6 },
  { strategy: 'DFSDT', group: 'I3', n: 61, stepTool: 66.1, capped: 66.1, sft: 56.8 },
]
