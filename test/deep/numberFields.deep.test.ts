/** People type into every numeric field of every algorithm's form. */
import { it } from 'vitest'
import { algorithms, DEFAULT_ALGORITHM } from '../../src/training/algorithms'
import { typeIntoEveryField } from '../support/numberFields'

const others = Object.values(algorithms).filter(({ name }) => name !== DEFAULT_ALGORITHM)

it.each(others.map(({ name, title, config }) => [title, name, config] as const))(
  'every numeric field of %s takes what is typed',
  async (_title, algorithm, config) => {
    await typeIntoEveryField(algorithm, config)
  },
  240_000,
)
