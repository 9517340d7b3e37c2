/** ToolBench's names. The expected ones are what its own `standardize` and `change_name` give. */
import { expect, it } from 'vitest'
import { standardApiName, toolbenchFunctionName } from '../../src/base/toolbenchNames'

it.each([
  ['List Languages', 'list_languages'],
  ['5 Day Forecast', 'get_5_day_forecast'],
  ['/v1/{id}/', 'v1_id'],
  ['ID', 'is_id'],
  ['a^b', 'a^b'],
  ['Get Coin (Deprecated!)', 'get_coin_deprecated'],
  ['城市 Weather', '城市_weather'],
  ['from', 'is_from'],
  ['__x__', 'x'],
  ['', ''],
])('%s is called %s', (title, name) => {
  expect(standardApiName(title)).toBe(name)
})

it('a function is named after its API and its tool', () => {
  expect(toolbenchFunctionName('TheClique', 'Songkick concert')).toBe('songkick_concert_for_theclique')
})
