/**
 * A run that is killed five times, once by each kind of fault, ends as the one that was not. `npm run test:learn` has twenty kills for each
 * method, and the command line's.
 */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../cli/commandContext'
import { ChaosRun, drawFaults, FAULTS } from './chaos'
import { chaosRequests } from './chaosRequests'

test('online step-grained PPO survives a fault of each kind', async () => {
  const run = new ChaosRun(join(temporaryDirectory(), 'run'), chaosRequests(5)['steptool-ppo'])
  try {
    const whole = await run.uninterrupted()
    expect(whole.metrics['ppo/loss/total']).toHaveLength(5)
    const { outcome, kills } = await run.through(drawFaults(1, FAULTS.length))
    expect(kills.map(({ kind }) => kind).sort()).toEqual([...FAULTS].sort())
    expect(outcome).toEqual(whole)
  } finally {
    run.close()
  }
})
