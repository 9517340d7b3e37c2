/** The catalogue of commands: one line each. */
import { annotate } from './annotate'
import { bench } from './bench'
import { describe } from './describe'
import { doctor } from './doctor'
import { evaluate } from './evaluate'
import { exportFiles } from './export'
import { importFiles } from './import'
import { mcp } from './mcp'
import { parity } from './parity'
import { rollout } from './rollout'
import { score } from './score'
import { serve } from './serve'
import { story } from './story'
import { train } from './train'
import { tune } from './tune'

export const commands = {
  annotate,
  bench,
  describe,
  doctor,
  evaluate,
  export: exportFiles,
  import: importFiles,
  mcp,
  parity,
  rollout,
  score,
  serve,
  story,
  train,
  tune,
} as const
