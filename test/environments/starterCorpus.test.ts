import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { compact } from '../../src/agents/callFormats/compact'
import { starterBenchmarkOf } from '../../src/environments/starter/benchmark'
import { sftCorpus } from '../../src/environments/starter/corpus'
import { expertTranscript } from '../../src/environments/starter/expert'
import {
  specialTokens,
  starterGenerationConfig,
  starterModelConfig,
  starterTokenizer,
  starterTokenizerConfig,
} from '../../src/environments/starter/tokenizer'
import { createStarterWorld } from '../../src/environments/starter/world'
import { apis, kinds, subjects } from '../../src/environments/starter/catalog'
import { syllablesOf } from '../../src/environments/starter/names'
import { trainBpe } from '../../src/models/tokenizer/trainBpe'
import { expertSamples } from '../../src/training/batches/expertSamples'
import { codec, renderTemplate, starterJson, tokenizerJson, vocabulary } from './starterFiles'

const world = createStarterWorld()
const ids = (text: string): number[] => codec.encode(text)
const render = renderTemplate

describe('the committed tokenizer', () => {
  test('is what the world and the trainer of merges give', () => {
    const built = starterTokenizer(world, trainBpe)
    expect(JSON.stringify(built)).toBe(JSON.stringify(tokenizerJson))
    expect(starterTokenizerConfig(8192)).toEqual(starterJson('tokenizer_config.json'))
    expect(starterModelConfig(Object.keys(vocabulary).length)).toEqual(starterJson('config.json'))
    expect(starterGenerationConfig()).toEqual(starterJson('generation_config.json'))
  })

  test('has at most 640 entries, one id per special token, and every byte', () => {
    expect(Object.keys(vocabulary).length).toBeLessThanOrEqual(640)
    for (const [index, token] of specialTokens.entries()) expect(ids(token)).toEqual([index])
    const text = 'Zoë 語 🙂\u0000\n\t "x" \\ <|im_start|>'
    expect(codec.decode(ids(text))).toBe(text)
  })

  test('a name has the same ids wherever it stands, one per syllable', () => {
    const frames = [
      ['Find ', "'s home?"],
      ['home_of(person="', '")'],
      ['{"home":"', '"}'],
      ['12, ', ', 7'],
      ['', ':41'],
      ['(', ')\n'],
    ].map(([before = '', after = '']) => ({ before, after, beforeIds: ids(before), afterIds: ids(after) }))
    const broken: string[] = []
    for (const name of world.splits.flatMap((split) => world.database.names(split))) {
      const own = ids(name)
      if (own.length !== syllablesOf(name)?.length) broken.push(name)
      for (const { before, after, beforeIds, afterIds } of frames) {
        if (ids(before + name + after).join() !== [...beforeIds, ...own, ...afterIds].join()) broken.push(before + name + after)
      }
    }
    expect(broken).toEqual([])
  })

  test("a tool's words are one token each, in the query, the tool's name and the reply", () => {
    for (const word of [...subjects.map((subject) => subject.word), ...kinds, 'finish', 'answer']) {
      const own = ids(word)
      expect([word, own.length]).toEqual([word, 1])
      for (const text of [`Karu's ${word}?`, `${word}_of(person)`, `{"${word}":"7"}`]) expect(ids(text)).toContain(own[0])
    }
    for (const api of apis) expect(ids(`${api.name}(`).length).toBe(2)
  })

  test('digits are single tokens', () => {
    expect(ids('"407"').length).toBe(5)
  })
})

describe('the chat template', () => {
  const run = expertTranscript(world, world.queries('train')[3]!, createRng(1), { wrongRate: 0 })

  test('rendering a part is a prefix of rendering the whole, in text and in ids', () => {
    const whole = render(run.messages)
    for (let k = 1; k <= run.messages.length; k++) {
      const part = render(run.messages.slice(0, k))
      expect(whole.startsWith(part)).toBe(true)
      expect(ids(whole).slice(0, ids(part).length)).toEqual(ids(part))
    }
  })

  test('the generation prompt is the start of the assistant turn', () => {
    const upTo = run.messages.slice(0, 2)
    expect(render(run.messages.slice(0, 3)).startsWith(render(upTo, true))).toBe(true)
  })
})

describe('the corpus', () => {
  const corpus = sftCorpus(world, { seed: 1, samples: 2000 })
  const samples = Array.from({ length: corpus.samples }, (_, index) => corpus.sample(index))
  const texts = samples.flatMap((sample) => sample.messages.map((message) => message.content))

  test('a sample depends on seed and index alone', () => {
    expect(corpus.sample(1234)).toEqual(samples[1234])
    expect(sftCorpus(world, { seed: 2, samples: 2000 }).sample(1234)).not.toEqual(samples[1234])
  })

  test('drills come first, then one hop, then more', () => {
    expect(samples.slice(0, 200).every((sample) => sample.kind === 'drill')).toBe(true)
    expect(samples.slice(200, 500).every((sample) => sample.kind !== 'full')).toBe(true)
    expect(samples.slice(-100).some((sample) => sample.kind === 'full')).toBe(true)
    expect(corpus.sample(99_999).kind).not.toBe('one-hop')
  })

  test('is short: mean ≤ 160 tokens, p99 ≤ 384, none above 512', () => {
    const lengths = samples.map((sample) => ids(render(sample.messages)).length).sort((a, b) => a - b)
    expect(lengths.reduce((a, b) => a + b, 0) / lengths.length).toBeLessThan(130)
    expect(lengths[Math.floor(lengths.length * 0.99)]).toBeLessThan(300)
    expect(lengths[lengths.length - 1]).toBeLessThan(512)
  })

  test('drills are dense: more than a third of their tokens are targets', () => {
    let targets = 0
    let all = 0
    for (const sample of samples.slice(0, 200)) {
      for (const message of sample.messages) {
        const length = ids(render([message])).length
        all += length
        if (message.role === 'assistant') targets += length - 1
      }
    }
    expect(targets / all).toBeGreaterThan(0.33)
  })

  test('slips are recovered from, are not learned, and leave the rest of a corpus without them as it was', () => {
    const slipping = sftCorpus(world, { seed: 1, samples: 2000, slipRate: 0.3 })
    const seen = new Set<string>()
    for (let index = 0; index < 600; index++) {
      const { messages } = slipping.sample(index + 700)
      for (const [at, message] of messages.entries()) {
        if (!message.isSlip) continue
        const error = /^\{"error":"(missing|unknown tool|bad call)/.exec(messages[at + 1]?.content ?? '')
        expect(error, `${message.content} → ${messages[at + 1]?.content ?? 'nothing'}`).not.toBeNull()
        seen.add(error?.[1] ?? '')
        expect(messages[at + 2]?.role).toBe('assistant')
      }
      const last = messages[messages.length - 1]
      expect(last?.isSlip).toBeUndefined()
    }
    expect([...seen].sort()).toEqual(['bad call', 'missing', 'unknown tool'])
    const sourceOf = (mask_history: boolean) =>
      expertSamples(transcripts, { encode: (text) => ids(text) }, { format: compact, mask: { mask_history } })
    const transcripts = starterBenchmarkOf(world).expert!.transcripts(1, { samples: 2000, slip_rate: 0.3 })
    const source = sourceOf(false)
    const index =
      Array.from({ length: 600 }, (_, i) => i + 700).find((i) => slipping.sample(i).messages.some((message) => message.isSlip)) ?? 0
    const { ids: tokens, targets } = source.sample(index)
    const learned = targets.map((at) => tokens[at] ?? -1)
    const own = slipping.sample(index).messages.filter((message) => message.role === 'assistant' && !message.isSlip)
    expect(learned).toEqual(own.flatMap((message) => ids(`${message.content}<|end|>`)))
    // The last turn alone: at the very end.
    const last = ids(`${own.at(-1)?.content ?? ''}<|end|>`)
    expect(sourceOf(true).sample(index)).toEqual({ ids: tokens, targets: last.map((_, at) => tokens.length - last.length + at) })
    expect(samples.flatMap((sample) => sample.messages).some((message) => message.isSlip)).toBe(false)
  })

  test('never names a person or place of another use', () => {
    const foreign = new Set(world.splits.filter((split) => split !== 'train').flatMap((split) => world.database.names(split)))
    expect(texts.flatMap((text) => text.match(/[A-Z][a-z]+/g) ?? []).filter((word) => foreign.has(word))).toEqual([])
  })

  test('never shows the signature of a held-out tool', () => {
    const heldOut = apis.flatMap((api) =>
      api.does.kind === 'look' && api.does.subject.held !== 'seen' ? [`${api.name}(${api.parameters[0] ?? ''}`] : [],
    )
    expect(texts.flatMap((text) => text.match(/[a-z]+_[a-z]+\([a-z]+/g) ?? []).filter((start) => heldOut.includes(start))).toEqual([])
  })
})
