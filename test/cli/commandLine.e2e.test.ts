/** The command line as a user meets it: built, spawned, its stdout read by a program. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { adaptersUnderTest } from '../support/adapters'
import { projectRoot } from '../support/sources'

function hone(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(projectRoot, 'src/cli/launch.js'), 'hone', ...args], { encoding: 'utf8' })
}

describe.each(adaptersUnderTest().found)('doctor on %s', (adapter) => {
  test('prints one JSON object, computes correctly and ends', () => {
    const { status, stdout } = hone('doctor', '--adapter', adapter, '--json')
    expect(status).toBe(0)
    expect(stdout.trim().split('\n')).toHaveLength(1)
    const report = z.object({ limits: z.record(z.string(), z.number()), checks: z.array(z.object({ name: z.string(), ok: z.boolean() })) })
    const { limits, checks } = report.parse(JSON.parse(stdout))
    expect(limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27)
    expect(checks.find(({ name }) => name === 'compute')).toMatchObject({ ok: true })
  })
})

test.each([
  [['frobnicate'], 'hone: There is no command "frobnicate"; hone --help lists them.\n'],
  [['doctor', '--adapter', 'cuda'], 'hone: --adapter takes one of default, swiftshader, lavapipe, not "cuda".\n'],
])('%j fails with one sentence', (args, sentence) => {
  expect(hone(...args)).toMatchObject({ status: 1, stdout: '', stderr: sentence })
})

test('help lists every command on stdout', () => {
  const { status, stdout, stderr } = hone('--help')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  for (const name of ['doctor', 'serve']) expect(stdout).toContain(`\n  ${name}`)
})
