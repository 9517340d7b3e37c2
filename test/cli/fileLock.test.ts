/** Lock files: one owner at a time, who is named; the lock of a process that has ended is taken over, and that is said. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { takeFileLock } from '../../src/cli/node/fileLock'
import { temporaryDirectory } from './commandContext'

const owner = (changes: object): string =>
  JSON.stringify({ pid: 1, host: hostname(), since: '2026-01-02T03:04:05.678Z', started: null, token: 'another', ...changes })

test('of many that ask at once one gets the lock; the others are told who has it, and may have it afterwards', async () => {
  const path = join(temporaryDirectory(), 'made', 'run.lock')
  const asked = await Promise.all(Array.from({ length: 20 }, () => takeFileLock(path)))
  const taken = asked.filter(({ ok }) => ok)
  expect(taken).toHaveLength(1)
  for (const lock of asked)
    if (!lock.ok)
      expect(lock.owner).toMatch(new RegExp(`^process ${process.pid} on ${hostname()}, since \\d{4}-\\d\\d-\\d\\d [\\d:]{8} UTC$`))
  const [first] = taken
  if (!first?.ok) throw new Error('nobody got it')
  expect(first.takenOver).toBeNull()
  first.release()
  expect(readdirSync(join(path, '..'))).toEqual([])
  const again = await takeFileLock(path)
  expect(again).toMatchObject({ ok: true, takenOver: null })
  // Released twice, it does not give away the next owner's.
  first.release()
  expect(existsSync(path)).toBe(true)
  if (again.ok) again.release()
})

test('a lock of a living process is refused, and taken over with a word once that process was killed', async () => {
  const path = join(temporaryDirectory(), 'run.lock')
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  const pid = child.pid ?? 0
  try {
    writeFileSync(path, owner({ pid }))
    expect(await takeFileLock(path)).toEqual({ ok: false, owner: `process ${pid} on ${hostname()}, since 2026-01-02 03:04:05 UTC` })
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const lock = await takeFileLock(path)
  expect(lock).toMatchObject({
    ok: true,
    takenOver: `The lock of process ${pid} on ${hostname()}, since 2026-01-02 03:04:05 UTC was taken over: that process has ended.`,
  })
  expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid })
  if (lock.ok) lock.release()
  // Also of many that take it over at once one gets it.
  writeFileSync(path, owner({ pid }))
  const asked = await Promise.all(Array.from({ length: 10 }, () => takeFileLock(path)))
  expect(asked.filter(({ ok }) => ok)).toHaveLength(1)
})

test.each([
  ['a later process with the same number', () => owner({ pid: process.ppid, started: 'another boot 1' }), /^The lock of process/],
  ['an earlier process with this one’s number', () => owner({ pid: process.pid }), /^The lock of process/],
  ['half a file', () => '{"pid": 1', 'A damaged lock file of an earlier process was removed.'],
])('a stale lock is taken over: %s', async (_name, text, said) => {
  // Starts of processes are known on Linux.
  const path = join(temporaryDirectory(), 'run.lock')
  writeFileSync(path, text())
  const lock = await takeFileLock(path)
  expect(lock).toMatchObject({ ok: true, takenOver: expect.stringMatching(said) as string })
  if (lock.ok) lock.release()
})

test('a process on another computer cannot be looked at: its lock stays, and the sentence says how to remove it', async () => {
  const path = join(temporaryDirectory(), 'run.lock')
  writeFileSync(path, owner({ host: 'elsewhere', pid: 7 }))
  expect(await takeFileLock(path)).toEqual({
    ok: false,
    owner: `process 7 on elsewhere, since 2026-01-02 03:04:05 UTC (remove ${path} if that process has ended)`,
  })
})
