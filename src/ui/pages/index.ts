/** The catalogue of pages, in the order of the rail. A new page is a folder here, a line below and a test. */
import { page as compareRuns } from './compare-runs/page'
import { page as data } from './data/page'
import type { PageDescription } from './definePage'
import { page as evaluate } from './evaluate/page'
import { page as glossary } from './glossary/page'
import { page as home } from './start/page'
import { page as label } from './label/page'
import { page as models } from './models/page'
import { page as newRun } from './new-run/page'
import { page as run } from './run/page'
import { page as settings } from './settings/page'
import { page as story } from './story/page'
import { page as tools } from './tools/page'
import { page as train } from './train/page'
import { page as trajectories } from './trajectories/page'

export const pages: readonly PageDescription[] = [
  home,
  story,
  data,
  label,
  train,
  newRun,
  compareRuns,
  run,
  trajectories,
  evaluate,
  models,
  tools,
  glossary,
  settings,
]
