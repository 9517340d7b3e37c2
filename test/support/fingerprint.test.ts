import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../cli/commandContext'
import { sourceFingerprint } from './fingerprint'

it('changes with the content, the name and the number of sources and with the words of the command', () => {
  const root = temporaryDirectory()
  const put = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const seen = new Set<string>()
  const isNew = (): boolean => {
    const found = sourceFingerprint([], root)
    const fresh = !seen.has(found)
    seen.add(found)
    return fresh
  }
  put('src/a.ts', 'one')
  put('shaders/a.wgsl', 'two')
  expect(isNew()).toBe(true)
  expect(isNew()).toBe(false)
  put('src/a.ts', 'other')
  expect(isNew()).toBe(true)
  put('shaders/norm/b.wgsl', '')
  expect(isNew()).toBe(true)
  renameSync(join(root, 'src/a.ts'), join(root, 'src/b.ts'))
  expect(isNew()).toBe(true)
  // What no command runs does not count.
  put('src/ui/page.tsx', 'three')
  put('test/a.test.ts', 'four')
  expect(isNew()).toBe(false)
  expect(sourceFingerprint(['--seed', '1'], root)).not.toBe(sourceFingerprint(['--seed', '2'], root))
})
