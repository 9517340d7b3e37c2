/** What reinforcement learning trains on holds nothing of the exam: no query id, no person, place or thing of it. */
import { describe, expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { expertTranscript } from '../../src/environments/starter/expert'
import { createStarterWorld } from '../../src/environments/starter/world'
import { apis } from '../../src/environments/starter/catalog'
import { trajectoryFromSteps } from '../../src/records/trajectoryFromSteps'
import { practiceQueries, withoutHeldOut } from '../../src/studio/runs/practice'
import { storySizes } from '../../src/studio/runs/storySize'

const world = createStarterWorld()
const foreign = new Set(world.splits.filter((split) => split !== 'practice').flatMap((split) => world.database.names(split)))
const foreignIn = (text: string): string[] => (text.match(/[A-Z][a-z]+/g) ?? []).filter((word) => foreign.has(word))

describe('practice and exam', () => {
  test('share no query', () => {
    const practised = new Set(world.queries('practice').map(({ query_id }) => query_id))
    const asked = new Set(world.queries('practice').map(({ text }) => text))
    for (const query of [...world.queries('exam'), ...world.queries('dev')]) {
      expect(practised.has(query.query_id)).toBe(false)
      expect(asked.has(query.text)).toBe(false)
    }
  })

  test.each([7, 8, 9])('what the full story practises with seed %i, well or badly, never names what is examined', (seed) => {
    const { steps, batch } = storySizes.gpu
    let seen = 0
    for (let step = 0; step < steps; step++) {
      for (const query of practiceQueries(world.queries('practice'), batch, step, seed)) {
        const { messages } = expertTranscript(world, query, createRng(seed, step, query.index), { wrongRate: 0.7 })
        const text = messages.map(({ content }) => content).join('\n')
        expect(foreignIn(text), query.query_id).toEqual([])
        seen += 1
      }
    }
    expect(seen).toBe(steps * batch)
  })

  test('a name of the exam, written by chance, is unknown in practice', () => {
    const [query] = world.queries('practice')
    if (!query) throw new Error('no practice')
    const episode = world.start(query)
    for (const api of apis)
      for (const name of world.database.names('exam').slice(0, 100)) {
        const { text } = episode.call({
          name: api.name,
          arguments: Object.fromEntries(api.parameters.map((parameter) => [parameter, name])),
        })
        expect(text).toMatch(/error/)
      }
  })

  test('an attempt that holds such a name is not trained on, nor are the others at its query', () => {
    const [exam] = world.database.names('exam')
    const attempt = (query_id: string, completion: string) =>
      trajectoryFromSteps({ trajectory_id: query_id, task: { query_id, query: '' }, steps: [{ parent: null, prompt: '', completion }] })
    const all = [
      attempt('a', 'wind_of(city="Zuvo")'),
      attempt('a', `wind_of(city="${String(exam)}")`),
      attempt('b', `wind_of(city="${String(exam)}x")`),
      attempt('c', 'Find it'),
    ]
    expect(withoutHeldOut(all, world).map(({ task }) => task.query_id)).toEqual(['b', 'c'])
  })

  test('no tool, asked about anybody or anything of practice, answers with a name of another use', () => {
    const [query] = world.queries('practice')
    if (!query) throw new Error('no practice')
    const episode = world.start(query)
    let answered = 0
    for (const api of apis) {
      for (const name of world.database.names('practice')) {
        const { text } = episode.call({
          name: api.name,
          arguments: Object.fromEntries(api.parameters.map((parameter) => [parameter, name])),
        })
        expect(foreignIn(text), `${api.name}(${name})`).toEqual([])
        answered += 1
      }
    }
    expect(answered).toBe(apis.length * world.database.names('practice').length)
  })
})
