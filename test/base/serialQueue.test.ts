import { expect, test } from 'vitest'
import { createSerialQueue } from '../../src/base/serialQueue'

test('work runs in the order it was asked for, one piece at a time, and a failure stops nothing', async () => {
  const queue = createSerialQueue()
  const seen: string[] = []
  const piece = (name: string, fails = false) =>
    queue.run(async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    })
  const [a, b, c] = await Promise.allSettled([piece('a'), piece('b', true), piece('c')])
  expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  expect([a.status, b.status, c.status]).toEqual(['fulfilled', 'rejected', 'fulfilled'])
})

test('idle waits for all work and does not reject', async () => {
  const queue = createSerialQueue()
  let done = false
  const failed = queue.run(async () => {
    await Promise.resolve()
    done = true
    throw new Error('no')
  })
  await queue.idle()
  expect(done).toBe(true)
  await expect(failed).rejects.toThrow('no')
})
