/**
 * The versions of the world. Version 2 is the one that the starter model and all recorded results know, and it never changes. Version 3 has
 * the same tools and names and more: documentation that is wrong, replies that lead nowhere, and over 2,000 queries.
 */
import type { Split } from './database'
import type { Context, Group } from './plan'

export const worldVersions = [2, 3] as const
export type WorldVersion = (typeof worldVersions)[number]
export const USUAL_VERSION: WorldVersion = 2

/** Queries of each split. In version 3 every group of the exam has at least 150, except those that fewer tools serve. */
export const queryCounts: Readonly<Record<WorldVersion, Readonly<Record<Split, number>>>> = {
  2: { train: 600, practice: 480, dev: 96, exam: 300 },
  3: { train: 600, practice: 480, dev: 120, exam: 900 },
}

/** The first two columns of ToolBench's grid are seen in training; exam and dev also meet unseen tools and categories. */
const seen: Readonly<Record<Group, number>> = {
  'I1-instruction': 62,
  'I1-tool': 0,
  'I1-category': 0,
  'I2-instruction': 18,
  'I2-category': 0,
  I3: 20,
}
export const groupWeights: Readonly<Record<WorldVersion, Readonly<Record<'seen' | 'examined', Readonly<Record<Group, number>>>>>> = {
  2: { seen, examined: { 'I1-instruction': 24, 'I1-tool': 18, 'I1-category': 16, 'I2-instruction': 17, 'I2-category': 10, I3: 15 } },
  3: { seen, examined: { 'I1-instruction': 1, 'I1-tool': 1, 'I1-category': 1, 'I2-instruction': 1, 'I2-category': 1, I3: 1 } },
}

type ContextWeights = Readonly<Record<Group, Partial<Record<Context, number>>>>

/** How often each context is drawn, per group. About half of the queries carry a context in which the expert is mostly wrong. */
const firstContexts: ContextWeights = {
  'I1-instruction': { clean: 30, detour: 7, quota: 16, empty: 15, sibling: 11, unit: 11, missing: 5, alias: 5 },
  'I1-tool': { clean: 34, detour: 6, quota: 28, empty: 27, alias: 5 },
  'I1-category': { clean: 36, detour: 6, quota: 27, empty: 26, alias: 5 },
  'I2-instruction': { clean: 36, detour: 6, quota: 14, empty: 14, hasty: 20, unit: 6, alias: 4 },
  'I2-category': { clean: 48, detour: 6, quota: 23, empty: 23 },
  I3: { clean: 38, detour: 6, quota: 15, empty: 14, hasty: 10, sibling: 6, unit: 6, missing: 2, alias: 3 },
}

/** Added in version 3. A single look-up cannot lead into a dead end. */
const laterContexts: ContextWeights = {
  'I1-instruction': { renamed: 25 },
  'I1-tool': { renamed: 25 },
  'I1-category': { renamed: 25 },
  'I2-instruction': { renamed: 12, 'dead-end': 25 },
  'I2-category': { renamed: 12, 'dead-end': 25 },
  I3: { renamed: 12, 'dead-end': 25 },
}

export const contextWeights = (version: WorldVersion, group: Group): Partial<Record<Context, number>> =>
  version === 2 ? firstContexts[group] : { ...firstContexts[group], ...laterContexts[group] }
