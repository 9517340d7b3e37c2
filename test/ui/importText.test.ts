import { expect, test } from 'vitest'
import { importText } from '../../src/ui/widgets/importText'

const progress = {
  import_id: 'import-1',
  phase: 'storing',
  done: 20_000_000,
  total: 80_000_000,
  file: 'model.safetensors',
  etaSeconds: 3,
} as const

test('an import says its file, bytes, rate and time left; a data set counts the trajectories it stores', () => {
  expect(importText(progress, 'bytes')).toBe('Storing model.safetensors, 20.0 MB of 80.0 MB · 20.0 MB/s · 3 s left')
  expect(importText({ ...progress, done: 400, total: 6000, file: null, etaSeconds: null }, 'trajectories')).toBe('Storing 400 of 6,000')
  expect(importText({ ...progress, phase: 'reading', file: null, etaSeconds: 0 }, 'trajectories')).toBe('Reading 20.0 MB of 80.0 MB')
  expect(importText({ ...progress, file: 'a\u202eb' }, 'bytes')).not.toContain('\u202e')
})
