import { expect, test } from 'vitest'
import { metricRows, termRows } from '../../src/ui/pages/glossary/glossaryRows'
import { pages } from '../../src/ui/pages'

const algorithms = [
  { title: 'One', metrics: { loss: 'What is lowered.', kl: 'Distance in nats.' } },
  { title: 'Two', metrics: { loss: 'What is lowered.', KL_coef: 'Weight of the distance.' } },
  { title: 'Three', metrics: { loss: 'Another thing.' } },
]

test('the page is in the rail, under an address of its own', () => {
  const page = pages.find(({ path }) => path === '/glossary')
  expect(page?.navigation?.label).toBe('Glossary')
  const shortcuts = pages.flatMap(({ shortcut }) => shortcut ?? [])
  expect(new Set(shortcuts).size).toBe(shortcuts.length)
})

test('a metric has a row for each of its meanings, with the algorithms that report it', () => {
  expect(metricRows(algorithms, '').map(({ name, algorithms: titles }) => [name, titles])).toEqual([
    ['kl', ['One']],
    ['KL_coef', ['Two']],
    ['loss', ['One', 'Two']],
    ['loss', ['Three']],
  ])
})

test('the search reads names, meanings and algorithms, whatever their case', () => {
  expect(metricRows(algorithms, ' NATS').map(({ name }) => name)).toEqual(['kl'])
  expect(metricRows(algorithms, 'three').map(({ meaning }) => meaning)).toEqual(['Another thing.'])
  expect(metricRows(algorithms, 'nothing has this')).toEqual([])
  const titles = termRows('').map(({ title }) => title)
  expect(titles).toEqual([...titles].sort((a, b) => a.localeCompare(b, 'en', { sensitivity: 'base' })))
  expect(termRows('rewarded').length + termRows('reward').length).toBeGreaterThan(1)
})
