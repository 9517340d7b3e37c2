/** A small StableToolBench of our own: queries, tools and a response cache in the release's formats. */
import type { FileTree } from '../../src/base/fileTree'
import { blobTree } from '../../src/data/files/blobTree'

/** Files may also be faulty blobs. */
export const treeOf = (files: Readonly<Record<string, string | Blob>>, title = 'bench.zip'): FileTree =>
  blobTree(new Map(Object.entries(files).map(([path, file]) => [path, typeof file === 'string' ? new Blob([file]) : file])), title)

const parameter = (name: string, type: string, description: string, preset: unknown): object => ({
  name,
  type,
  description,
  default: preset,
})

export const queries = [
  {
    query: 'How warm is Oslo now, and which stations are near it?',
    query_id: 7,
    api_list: [
      {
        ...{ category_name: 'Weather', tool_name: 'Sky Watch', api_name: 'Current Weather', method: 'GET' },
        api_description: 'Current Weather of a city.',
        required_parameters: [parameter('city', 'STRING', 'Name of the city', 'Oslo')],
        optional_parameters: [parameter('units', 'ENUM', 'Units', ''), parameter('id', 'NUMBER', 'Number of a station', 3)],
      },
      {
        ...{ category_name: 'Weather', tool_name: 'Sky Watch', api_name: 'Stations', method: 'GET', api_description: '' },
        required_parameters: [],
        optional_parameters: [parameter('near', 'STRING', 'A city', '')],
      },
    ],
    'relevant APIs': [
      ['Sky Watch', 'Current Weather'],
      ['Sky Watch', 'Stations'],
    ],
  },
  {
    query: 'Which stations are there?',
    query_id: 8,
    api_list: [
      {
        ...{ category_name: 'Weather', tool_name: 'Sky Watch', api_name: 'Stations', method: 'GET', api_description: '' },
        required_parameters: [],
        optional_parameters: [],
      },
    ],
    'relevant APIs': [],
  },
]

const skyWatch = {
  ...{ tool_name: 'Sky Watch', tool_description: 'Weather of cities.', title: 'Sky Watch', pricing: 'FREE' },
  api_list: [
    {
      ...{ name: 'Current Weather', url: 'https://sky.example/now', description: 'Current Weather of a city.', method: 'GET' },
      required_parameters: [parameter('city', 'STRING', 'Name of the city', 'Oslo')],
      optional_parameters: [parameter('ratio', 'NUMBER', '', 1.5)],
    },
    {
      name: 'Stations',
      url: 'https://sky.example/stations',
      description: '',
      method: 'GET',
      required_parameters: [],
      optional_parameters: [],
    },
  ],
}

export const CACHE = 'server/tool_response_cache/Weather/sky_watch_for_Weather/current_weather.json'

const cachedWeather = {
  "{'city': 'Oslo'}": { error: '', response: { temperature: 4.5 } },
  "{'city': 'Bergen', 'units': 'C'}": { error: '', response: { temperature: 7 }, is_fake: false },
  "{'city': 'Paris'}": { error: '', response: { temperature: 20 }, is_fake: true },
  "{'city': 'Rome'}": { error: '', response: 'You have exceeded the rate limit.' },
}

export const benchFiles: Readonly<Record<string, string>> = {
  'solvable_queries/test_instruction/G1_instruction.json': JSON.stringify(queries),
  'solvable_queries/test_query_ids/G1_instruction.json': '{"7": 0}',
  'solvable_queries/test_instruction/G3_instruction.json': JSON.stringify([{ ...queries[1], query_id: 9, query: 'And now?' }]),
  'server/tools/Weather/sky_watch.json': JSON.stringify(skyWatch),
  [CACHE]: JSON.stringify(cachedWeather, null, 4),
}
