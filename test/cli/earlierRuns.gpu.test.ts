/** The directory of a run that Hone's first versions began: `--resume` ends it as it would have ended, or says in one sentence why it cannot. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runRecord } from '../../src/records/run'
import { temporaryDirectory } from './commandContext'
import { stopAfter, trained } from './trainedRun'

const words = [
  ...['--algorithm', 'grpo', '--data', 'starter', '--steps', '3', '--seed', '3', '--max-calls', '1', '--learning_rate', '0.01'],
  ...[
    '--generation_batch_size',
    '4',
    '--num_generations',
    '2',
    '--steps_per_generation',
    '1',
    '--beta',
    '0.05',
    '--checkpoint-every',
    '1',
    '--no-preflight',
  ],
]

const recordOf = (directory: string) => runRecord.parse(JSON.parse(readFileSync(join(directory, 'run.json'), 'utf8')))

/** Their records did not say how a run began, nor how far its checkpoint was; attempts had ids without the run's. */
function asBefore(directory: string, whole: string): void {
  const { began: _began, checkpoint: _checkpoint, ...record } = recordOf(directory)
  writeFileSync(join(directory, 'run.json'), JSON.stringify({ ...record, status: 'running', finished_at: null }))
  const practice = readFileSync(join(whole, 'practice/step-0003.jsonl'), 'utf8')
  const ids = practice.replaceAll(`"${recordOf(whole).run_id}/practice-0003-`, '"practice-0003/')
  writeFileSync(join(directory, 'practice/step-0003.jsonl'), ids)
}

test('a killed run of the version before goes on to the same end; with other settings it does not', async () => {
  const [whole, killed] = [temporaryDirectory(), temporaryDirectory()]
  const expected = await trained([...words, '--out', whole])
  await expect(trained([...words, '--out', killed], { signal: stopAfter(2, killed) })).rejects.toThrow('killed')
  asBefore(killed, whole)
  await expect(trained([...words, '--out', killed])).rejects.toThrow(
    `${killed} holds an unfinished run: resume it with --resume, or start a new run with another --out.`,
  )
  const resume = [...words, '--out', killed, '--resume']
  await expect(trained([...resume, '--lora_r', '4'])).rejects.toThrow(
    `${killed} holds a run with another lora_r: it cannot be resumed with this one.`,
  )
  await expect(trained([...resume, '--seed', '4'])).rejects.toThrow(`${killed} holds a run with another `)
  const { loss, sha256 } = await trained(resume)
  expect({ loss, sha256 }).toEqual({ loss: expected.loss, sha256: expected.sha256 })
  for (const step of ['0001', '0002', '0003'])
    expect(
      readFileSync(join(killed, `practice/step-${step}.jsonl`), 'utf8')
        .trimEnd()
        .split('\n'),
    ).toHaveLength(4)
})
