/** Every exported op, plan and kernel says what it computes: a comment stands before it, and an op or kernel names the shapes of its arrays. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const filesUnder = (folder: string, suffix: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesUnder(path, suffix) : entry.name.endsWith(suffix) ? [path] : []
  })

/** The comment that ends right before line `at`; empty when there is none. */
function commentBefore(lines: readonly string[], at: number): string {
  if (!(lines[at - 1] ?? '').trim().endsWith('*/')) return ''
  const found: string[] = []
  for (let line = at - 1; line >= 0; line--) {
    found.unshift(lines[line] ?? '')
    if ((lines[line] ?? '').includes('/**')) break
  }
  return found.join('\n')
}

/** Exports whose line matches `pattern` (its first group is the name) and whose comment lacks something, as `file: name`. */
function lacking(paths: readonly string[], pattern: RegExp, lacks: (comment: string) => boolean): string[] {
  return paths.flatMap((path) => {
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.flatMap((line, at) => {
      const name = pattern.exec(line)?.[1]
      return name !== undefined && lacks(commentBefore(lines, at)) ? [`${path}: ${name}`] : []
    })
  })
}

const ops = filesUnder('src/engine/ops', '.ts')

test('every exported op names the shapes of what it computes', () => {
  expect(lacking(ops, /^export const (\w+Op)\b/, (comment) => !/\[[^\]]+\]|shape/.test(comment))).toEqual([])
})

test('every function that an op’s file exports says what it computes', () => {
  expect(lacking(ops, /^export function (\w+)/, (comment) => comment === '')).toEqual([])
})

test('every exported plan says what it computes', () => {
  const sources = ['src/engine', 'src/models', 'src/training'].flatMap((folder) => filesUnder(folder, '.ts'))
  expect(lacking(sources, /^export (?:const|function) (\w*[pP]lans?)\b/, (comment) => comment === '')).toEqual([])
})

test('every kernel begins with what it computes and the shapes of its arrays', () => {
  const undescribed = filesUnder('shaders', '.wgsl').filter((path) => {
    const text = readFileSync(path, 'utf8')
    const lines = text.split('\n')
    const header = lines
      .slice(
        0,
        lines.findIndex((line) => !line.startsWith('//') || line.startsWith('// #')),
      )
      .join('\n')
    // Snippets, and files without an entry point, are included by kernels, whose headers name the arrays.
    const isKernel = text.includes('@compute') && !path.includes('common')
    return header === '' || (isKernel && !/\w:? \[[^\]]+\]|arrays are those of/.test(header))
  })
  expect(undescribed).toEqual([])
})
