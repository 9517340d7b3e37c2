/** Small data of our own for the worlds that need some: what the tests of every environment and every benchmark make them from, by name. */
import { openNodePython } from '../../src/cli/node/pythonSandbox'
import type { WorldParts } from '../../src/environments/worldParts'
import { folderOfProject, treeOf } from '../support/files'
import { miniBfcl } from '../support/miniBfcl'
import { benchFiles } from './stabletoolbenchFiles'

/** Two recorded calls of a server with one tool. */
export const recordedWeather = JSON.stringify({
  ...{ format: 'hone tool recording', version: 1, server: { name: 'weather', version: '1' } },
  tools: [
    {
      ...{ name: 'weather', description: 'The weather of a city.', schema: { type: 'object', properties: { city: { type: 'string' } } } },
      parameters: [{ name: 'city', type: 'string', required: true }],
    },
  ],
  replies: {
    weather: { "{'city': 'Paris'}": { error: '', response: 'Rain, 8 degrees.' }, "{'city': 'Rome'}": { error: '', response: 'Sun.' } },
  },
})

const questions = [
  { query: 'What is the weather in Paris?', gold_tools: ['weather'], answer: 'rain' },
  { query: 'Is it sunny in Rome?', gold_tools: ['weather'], split: 'practice' },
]

export const worldFixtures: Readonly<Record<string, WorldParts>> = {
  mcp: { files: treeOf({ 'weather.json': recordedWeather }), settings: { mode: 'replay' } },
  'query-set': {
    files: treeOf({ 'queries.jsonl': questions.map((each) => JSON.stringify(each)).join('\n'), 'weather.json': recordedWeather }),
    settings: { environmentSettings: { mode: 'replay' } },
  },
  bfcl: { files: await folderOfProject('test/fixtures/bfcl') },
  'bfcl-multi-turn': { files: miniBfcl(), python: openNodePython },
  toolhop: { files: await folderOfProject('test/fixtures/toolhop'), python: openNodePython },
  tmdb: { files: await folderOfProject('test/fixtures/tmdb') },
  stabletoolbench: { files: treeOf(benchFiles) },
}
