import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseCommandLine } from '../../src/cli/args'
import { defineCommand, type Command, type JsonObject } from '../../src/cli/command'
import { commandHelp } from '../../src/cli/help'

const result = (): Promise<JsonObject> => Promise.resolve({})

const train = defineCommand({
  name: 'train',
  summary: 'trains',
  options: z.object({
    algorithm: z.enum(['sft', 'ppo']).meta({ help: 'the method' }),
    data: z.array(z.string()).min(1),
    steps: z.int().positive().nullable().default(null),
    resume: z.boolean().default(false),
    shuffle: z.boolean().default(true),
    maxCalls: z.int().default(8),
    temperature: z.number().default(1),
    seeds: z.array(z.int()).default([1]),
  }),
  extraOptions: ({ algorithm }) =>
    algorithm === 'ppo'
      ? z.object({ ppo_epochs: z.int().min(1).default(4), learning_rate: z.number().default(1e-5), temperature: z.number() })
      : null,
  run: result,
})
const report = defineCommand({
  name: 'report',
  summary: 'tables',
  options: z.object({ dirs: z.array(z.string()).min(1), paired: z.tuple([z.string(), z.string()]).optional() }),
  positionals: 'dirs',
  run: result,
})
const words = (line: string): string[] => line.split(' ').filter((word) => word !== '')
const optionsOf = (command: Command, line: string): JsonObject => parseCommandLine(command, words(line)).options

test('flags become typed values, defaults fill the rest', () => {
  expect(optionsOf(train, '--algorithm sft --data a.csv b.csv --steps 12 --temperature=0.5')).toEqual({
    ...{ algorithm: 'sft', data: ['a.csv', 'b.csv'], steps: 12, resume: false, shuffle: true, maxCalls: 8, temperature: 0.5, seeds: [1] },
  })
})

test.each([
  ['--max-calls 3', { maxCalls: 3 }],
  ['--max_calls 3', { maxCalls: 3 }],
  ['--maxCalls=3', { maxCalls: 3 }],
  ['--resume', { resume: true }],
  ['--resume=false', { resume: false }],
  ['--no-shuffle', { shuffle: false }],
  ['--steps null', { steps: null }],
  ['--seeds 1,2,3', { seeds: [1, 2, 3] }],
  ['--seeds 1 2 --seeds 3', { seeds: [1, 2, 3] }],
  ['--data c.csv', { data: ['a.csv', 'c.csv'] }],
  ['--temperature -1', { temperature: -1 }],
])('%s', (line, expected) => {
  expect(optionsOf(train, `--algorithm sft --data a.csv ${line}`)).toMatchObject(expected)
})

test('further flags come from what was chosen and are neither defaulted nor validated', () => {
  const parsed = parseCommandLine(train, words('--algorithm ppo --data a.csv --ppo-epochs 2 --learning-rate 0.1'))
  expect(parsed.extra).toEqual({ ppo_epochs: 2, learning_rate: 0.1 })
  expect(() => parseCommandLine(train, words('--algorithm sft --data a.csv --ppo-epochs 2'))).toThrow('not a flag of train')
})

test('bare words and flags of two words', () => {
  expect(optionsOf(report, 'x y --paired A B z')).toEqual({ dirs: ['x', 'y', 'z'], paired: ['A', 'B'] })
})

test.each([
  ['', '--algorithm is required.'],
  ['--algorithm gp --data a', '--algorithm takes one of sft, ppo, not "gp".'],
  ['--algorithm sft', '--data is required.'],
  ['--algorithm sft --data a --steps 1.5', '--steps takes a whole number or null, not "1.5".'],
  ['--algorithm sft --data a --steps ten', '--steps takes a whole number or null, not "ten".'],
  ['--algorithm sft --data a --steps', '--steps needs a value.'],
  ['--algorithm --data a', '--algorithm needs a value.'],
  ['--algorithm sft --data a --stepz 3', '--stepz is not a flag of train; did you mean --steps?'],
  ['--algorithm sft --data a --foobarbaz', '--foobarbaz is not a flag of train; see hone train --help.'],
  ['stray --algorithm sft --data a', 'Unexpected word "stray"; flags start with --.'],
])('"%s" is refused in one sentence', (line, sentence) => {
  expect(() => parseCommandLine(train, words(line))).toThrow(sentence)
})

test('bounds are the schema’s', () => {
  expect(() => optionsOf(train, '--algorithm sft --data a --steps 0')).toThrow(/^--steps: Too small/)
  expect(() => optionsOf(report, '')).toThrow('report needs at least one of dirs.')
})

test('help needs no valid options and shows choices, defaults and meanings', () => {
  expect(parseCommandLine(train, ['--help']).global.help).toBe(true)
  const text = commandHelp(train)
  expect(text).toContain('--algorithm sft|ppo')
  expect(text).toContain('the method; required')
  expect(text).toMatch(/--max-calls N +default: 8/)
  expect(commandHelp(report)).toContain('hone report DIRS… [flags]')
})
