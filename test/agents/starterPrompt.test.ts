import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finalAnswer, parseCompletion, renderObservation, renderStart, stopToken } from '../../src/agents/prompts/starterPrompt'
import { createRng } from '../../src/base/random'
import { createStarterWorld, expertTranscript, formatCall } from '../../src/environments/starter'
import { renderTemplate } from '../environments/starterFiles'

describe('the starter prompt', () => {
  test('says what the chat template renders, turn by turn', () => {
    const world = createStarterWorld()
    for (const query of world.queries('practice').slice(0, 30)) {
      const { messages } = expertTranscript(world, query, createRng(1, query.index))
      let text = renderStart(world.start(query).tools, query.text)
      for (const message of messages.slice(2))
        text += message.role === 'assistant' ? message.content + stopToken : renderObservation(message.content)
      expect(text).toBe(renderTemplate(messages))
    }
  })
})

describe('parseCompletion', () => {
  test('reads calls', () => {
    expect(parseCompletion('home_of(person="Karu")<|end|>')).toEqual({ name: 'home_of', arguments: { person: 'Karu' } })
    expect(parseCompletion('rate_of(coin="Karu", to="Zolu")')).toEqual({ name: 'rate_of', arguments: { coin: 'Karu', to: 'Zolu' } })
    expect(parseCompletion('km_from(mile=41)')).toEqual({ name: 'km_from', arguments: { mile: '41' } })
    expect(parseCompletion('give_up()')).toEqual({ name: 'give_up', arguments: {} })
    expect(parseCompletion('finish(answer="a \\"quoted\\", and, more)")').arguments.answer).toBe('a "quoted", and, more)')
  })

  test.each([
    '',
    'Karu',
    'home_of',
    'home_of(',
    'home_of(person)',
    'home_of(person="Karu"',
    'a(b="1",b="2")',
    'a(b="1" c="2")',
    '{"name":"x"}',
  ])('%j is no call, and says why', (text) => {
    expect(parseCompletion(text).error).toMatch(/expected|twice/)
  })

  test('never throws, and gives back what was written', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => typeof parseCompletion(text).name === 'string'))
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/), fc.string(), { noNullPrototype: true }), (args) => {
        const call = parseCompletion(formatCall('look_up', args).replaceAll(stopToken, ''))
        expect(call.error).toBeUndefined()
      }),
    )
  })

  test('a final call is told from others', () => {
    expect(finalAnswer(parseCompletion('finish(answer="12")'))).toBe('12')
    expect(finalAnswer(parseCompletion('finish()'))).toBeNull()
    expect(finalAnswer(parseCompletion('give_up()'))).toBeNull()
    expect(finalAnswer(parseCompletion('home_of(person="Karu")'))).toBeUndefined()
    expect(finalAnswer(parseCompletion('finish(answer='))).toBeUndefined()
  })
})
