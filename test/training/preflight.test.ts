/** Each check before step 0: what it lets pass, what it warns of, what it refuses. */
import { describe, expect, it } from 'vitest'
import { algorithms } from '../../src/training/algorithms'
import type { Algorithm } from '../../src/training/algorithm'
import { createChatTemplate } from '../../src/models/tokenizer/chatTemplate'
import { checkBatch, checkContext, checkMemory, checkSampler, policySampler, samplerOf } from '../../src/training/preflight/settingsChecks'
import { checkExport, checkReference, checkTemplate } from '../../src/training/preflight/adapterChecks'
import { checkEncoding, checkEnds, checkMask, checkRewards, checkTruncation } from '../../src/training/preflight/sequenceChecks'
import type { TokenizedTrajectory } from '../../src/training/batches/tokenizedTrajectory'
import { trainedPositions, type UNLABELLED_STEPS } from '../../src/training/batches/stepRewards'

const clock = (): number => performance.now()

const [END, SPACE] = [9, 8]
/** Prompt of two tokens, then one step of two. */
function sequence(over: Partial<TokenizedTrajectory> = {}): TokenizedTrajectory {
  return {
    trajectoryId: 't',
    ids: [1, 2, 3, END],
    stepOf: [-1, -1, 0, 0],
    rewards: [1],
    stepIndex: [0],
    truncatedTokens: 0,
    truncatedSteps: [],
    notTrainedSteps: [],
    ...over,
  }
}

describe('batch', () => {
  const grpo = { generation_batch_size: 32, num_generations: 8, steps_per_generation: 1 }
  it('groups divide the attempts', () => {
    expect(checkBatch(grpo, null)).toMatchObject({ level: 'fine', message: 'A batch has 4 queries with 8 attempts each.' })
    expect(checkBatch({ ...grpo, num_generations: 5 }, null).level).toBe('refusal')
    expect(checkBatch({ ...grpo, generation_batch_size: 8 }, null).level).toBe('warning')
    expect(checkBatch({ ...grpo, steps_per_generation: 33 }, null).level).toBe('refusal')
  })
  const ppo = { batch_size: 8, mini_batch_size: 2, gradient_accumulation_steps: 4 }
  it('mini-batches divide the batch, and the data fills it', () => {
    expect(checkBatch(ppo, 8)).toMatchObject({ level: 'fine', message: 'A batch has 8 trajectories and makes 1 update per epoch.' })
    expect(checkBatch(ppo, 7).level).toBe('refusal')
    expect(checkBatch({ ...ppo, gradient_accumulation_steps: 3 }, null).level).toBe('warning')
    expect(checkBatch({ ...ppo, mini_batch_size: 16 }, null).level).toBe('warning')
  })
})

describe('context', () => {
  const limits = { max_context_len: 600, max_response_len: 200, max_tokens_per_micro_batch: 512 }
  it('is refused where a row of the data does not fit, warned of where an attempt may not', () => {
    expect(checkContext(limits, 1024, 300).level).toBe('fine')
    expect(checkContext(limits, 256, 300)).toMatchObject({ level: 'refusal' })
    expect(checkContext(limits, 1024, 513)).toMatchObject({ level: 'refusal' })
    expect(checkContext(limits, 799, null).level).toBe('warning')
    expect(checkContext(limits, 800, null).level).toBe('fine')
  })
})

it('only the policy’s own distribution may be sampled', () => {
  expect(checkSampler(samplerOf({ learning_rate: 1 })).level).toBe('fine')
  for (const change of [{ temperature: 0.7 }, { top_p: 0.9 }, { top_k: 50 }, { repetition_penalty: 1.1 }]) {
    const found = checkSampler(samplerOf(change))
    expect(found.level).toBe('refusal')
    expect(found.message).toContain(Object.keys(change)[0])
  }
  expect(checkSampler(policySampler).level).toBe('fine')
})

it('memory that exceeds is a warning: nobody knows what the machine has', () => {
  expect(checkMemory({ verdict: 'fits', bytes: 2e6, advice: '' })).toMatchObject({
    level: 'fine',
    message: 'Memory suffices: the run needs about 2 MB.',
  })
  expect(checkMemory({ verdict: 'exceeds', bytes: 9e9, advice: 'lora_r 8 → 4 saves 1 GB.' })).toMatchObject({
    level: 'warning',
    message: 'Memory probably does not suffice: the run needs about 9.0 GB. lora_r 8 → 4 saves 1 GB.',
  })
})

it('rows that are cut, and their share', () => {
  expect(checkTruncation([sequence(), sequence()], {}).level).toBe('fine')
  const cut = sequence({ truncatedTokens: 4, truncatedSteps: [0], notTrainedSteps: [0] })
  const found = checkTruncation([sequence(), sequence(), sequence(), cut], {})
  expect(found.level).toBe('warning')
  expect(found.message).toMatch(/^1 of 4 \(25 %\) rows are cut, by 4 of 20 \(20 %\) of the tokens\. 1 step is not trained at all\./)
})

it('an end token is missing; what was cut has lost it to the limit', () => {
  const ends = { ends: new Set([END]), isSpace: (id: number) => id === SPACE }
  const open = sequence({ ids: [1, 2, 3, 4] })
  expect(checkEnds([sequence(), sequence()], ends).level).toBe('fine')
  expect(checkEnds([sequence(), open], ends)).toMatchObject({ level: 'warning' })
  expect(checkEnds([sequence(), open], ends).message).toMatch(/^1 of 2 \(50 %\)/)
  expect(checkEnds([{ ...open, truncatedSteps: [0] }], ends).level).toBe('fine')
})

it('an end token that a template’s line end follows is one', () => {
  const ends = { ends: new Set([END]), isSpace: (id: number) => id === SPACE }
  expect(checkEnds([sequence({ ids: [1, 2, END, SPACE] }), sequence({ ids: [1, END, SPACE, SPACE] })], ends).level).toBe('fine')
  expect(checkEnds([sequence({ ids: [1, 2, 3, SPACE] })], ends).level).toBe('warning')
})

it('advice names settings that the algorithm has', () => {
  const cut = sequence({ truncatedTokens: 4, truncatedSteps: [0], notTrainedSteps: [0] })
  const advice = (settings: Readonly<Record<string, unknown>>): string => checkTruncation([cut], settings).message
  expect(advice({ max_context_len: 8, max_response_len: 8 })).toContain('To keep them, raise max_context_len or max_response_len.')
  expect(advice({ tokens_per_batch: 8 })).toContain('To keep them, raise tokens_per_batch.')
  expect(advice({})).toContain('To keep them, shorten the rows.')
  expect(checkContext({ tokens_per_batch: 99 }, 10, 20).message).toContain('lower tokens_per_batch.')
  for (const { config } of Object.values<Algorithm>(algorithms)) {
    const names = advice(config.shape).match(/\b(?:max_\w+_len|tokens_per_batch)\b/g) ?? []
    expect(names.length).toBeGreaterThan(0)
    for (const name of names) expect(config.shape).toHaveProperty(name)
  }
})

it('a chat template may ask for the date without asking whether there is one', () => {
  const dated = createChatTemplate(
    "{{ strftime_now('%A %d %B %y, %j') }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    clock,
  )
  expect(checkTemplate(dated).level).toBe('fine')
})

it('labels that mask everything', () => {
  const unlabelled = sequence({ rewards: [null] })
  const of = (rule: (typeof UNLABELLED_STEPS)[number]) => ({
    positions: (one: TokenizedTrajectory) => trainedPositions(one, rule),
    whyNone: 'nobody said so',
  })
  expect(checkMask([sequence()], of('leave_out'))).toMatchObject({ level: 'fine', message: '2 of 4 (50 %) of the tokens carry loss.' })
  expect(checkMask([unlabelled], of('leave_out'))).toMatchObject({
    level: 'refusal',
    message: 'No token of the 1 rows carries loss: nobody said so.',
  })
  expect(checkMask([unlabelled], of('no_score')).level).toBe('fine')
  expect(checkMask([sequence(), unlabelled], of('leave_out')).level).toBe('warning')
  expect(checkMask([sequence({ stepOf: [-1, -1, -1, -1] })], of('no_score')).level).toBe('refusal')
})

it('rewards that are constant, missing, or differ', () => {
  expect(checkRewards([0, 0.5, 1])).toMatchObject({ level: 'fine', message: 'Rewards range from 0 to 1 and average 0.5.' })
  expect(checkRewards([1, 1, 1]).level).toBe('warning')
  expect(checkRewards([null, null]).level).toBe('refusal')
  expect(checkRewards([0, 1, null])).toMatchObject({ level: 'warning' })
})

it('text whose pieces are encoded otherwise than the whole', () => {
  // Joins "ab" wherever it sees it.
  const codec = { encode: (text: string) => Array.from(text.replaceAll('ab', 'c'), (letter) => letter.charCodeAt(0)) }
  expect(checkEncoding([['xa', 'c']], codec).level).toBe('fine')
  expect(
    checkEncoding(
      [
        ['xa', 'by'],
        ['x', 'y'],
      ],
      codec,
    ),
  ).toMatchObject({ level: 'warning' })
})

it('policy and reference agree before the first update', () => {
  expect(checkReference([-1, -2], [-1, -2.00001]).level).toBe('fine')
  expect(checkReference([-1, -2], [-1, -2.1]).level).toBe('refusal')
  expect(checkReference([Number.NaN], [-1]).level).toBe('refusal')
  expect(checkReference([], []).level).toBe('refusal')
  // The KL reference of a run that starts from an adapter is a copy of that adapter, or the base model if the settings say so.
  expect(checkReference([-1, -2], [-1, -2], 'initial')).toMatchObject({
    level: 'fine',
    message: expect.stringContaining('starts from') as string,
  })
  expect(checkReference([-1, -2], [-1, -2.1], 'initial').level).toBe('refusal')
  expect(checkReference([-1, -2], [-1, -2.1], 'base')).toMatchObject({
    level: 'warning',
    message: expect.stringContaining('0.10 nats') as string,
  })
  expect(checkReference([Number.NaN], [-1], 'base').level).toBe('refusal')
})

it('the export is tried before training', async () => {
  const matrices = { a: new Float32Array(2 * 4), b: new Float32Array(6 * 2), inFeatures: 4, outFeatures: 6 }
  const path = 'model.layers.0.self_attn.q_proj'
  const adapter = { rank: 2, alpha: 4, dropout: 0, useRslora: false, baseModel: 'm', revision: null, modules: new Map([[path, matrices]]) }
  expect((await checkExport(adapter, { [`${path}.weight`]: [6, 4] })).level).toBe('fine')
  expect(await checkExport(adapter, { [`${path}.weight`]: [8, 4] })).toMatchObject({ level: 'refusal' })
  expect(await checkExport({ ...adapter, modules: new Map() }, {})).toMatchObject({ level: 'refusal' })
})

describe('a chat template', () => {
  const turns = (content: string): string =>
    `{% for m in messages %}<|{{ m.role }}|>${content}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}`
  it('that only appends is fine', () => {
    expect(checkTemplate(createChatTemplate(turns('{{ m.content }}'), clock)).level).toBe('fine')
  })
  it('that drops earlier thoughts rewrites history', () => {
    const dropping = turns(
      '{% if loop.last or m.role != "assistant" %}{{ m.content }}{% else %}{{ m.content.split("</think>")[-1] }}{% endif %}',
    )
    expect(checkTemplate(createChatTemplate(dropping, clock))).toMatchObject({ level: 'warning' })
  })
  it('that keeps the thoughts of the running turn alone rewrites it when the user speaks again', () => {
    const source = `{% set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == "user" %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}${turns(
      '{% if loop.index0 > ns.last or m.role != "assistant" %}{{ m.content }}{% else %}{{ m.content.split("</think>")[-1] }}{% endif %}',
    )}`
    expect(checkTemplate(createChatTemplate(source, clock)).message).toMatch(/after message 4/)
  })
  it('that does not take tools says so', () => {
    const refusing =
      '{% for m in messages %}{% if m.role == "tool" %}{{ raise_exception("no tools") }}{% endif %}{{ m.content }}{% endfor %}'
    expect(checkTemplate(createChatTemplate(refusing, clock))).toMatchObject({ level: 'warning' })
  })
})
