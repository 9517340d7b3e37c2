/** ToolBench's names, cache keys and JSON, compared with what Python makes of the same texts. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { dumpsPython } from '../../src/base/pythonJson'
import { pythonFromJson } from '../../src/base/pythonRepr'
import type { PythonDict } from '../../src/base/pythonValue'
import { cacheKeyOf, canonicalKeyOf, canonicalOfCacheKey } from '../../src/environments/stabletoolbench/cacheKey'
import { standardApiName, toolbenchFunctionName } from '../../src/base/toolbenchNames'
import { placeOf, standardCategory } from '../../src/environments/stabletoolbench/names'

const pairs = z.array(z.tuple([z.string(), z.string()]))
const golden = z
  .object({
    names: pairs,
    categories: pairs,
    keys: pairs,
    dumps: z.array(z.object({ json: z.string(), plain: z.string(), indented: z.string(), compact: z.string() })),
  })
  .parse(JSON.parse(readFileSync(new URL('../golden/toolbench_golden.json', import.meta.url), 'utf8')))

const dictFrom = (text: string): PythonDict => pythonFromJson(text) as PythonDict

describe('names', () => {
  it.each(golden.names)('%j becomes %j', (text, name) => {
    expect(standardApiName(text)).toBe(name)
  })

  it.each(golden.categories)('the category %j is the folder %j', (text, folder) => {
    expect(standardCategory(text)).toBe(folder)
  })

  it('joins a function of its API and its tool, and takes them apart', () => {
    expect(toolbenchFunctionName('Coin API', 'Get Coin')).toBe('get_coin_for_coin_api')
    const placed = { category: 'Video_Images', tool: 'coin_api_for_Video_Images', standardTool: 'coin_api', api: 'get_coin' }
    const request = { category: 'Video, Images', toolName: 'Coin API', apiName: 'Get Coin' }
    expect(placeOf(request)).toEqual(placed)
    expect(placeOf({ ...request, toolName: 'coin_api_for_Video_Images' })).toEqual(placed)
    expect(placeOf({ ...request, apiName: 'get_coin_for_coin_api' })).toEqual(placed)
    expect(placeOf({ ...request, apiName: 'ID' }).api).toBe('is_id')
  })
})

describe('cache keys', () => {
  it.each(golden.keys)('%s has the key %s', (text, key) => {
    expect(cacheKeyOf(dictFrom(text))).toBe(key)
  })

  it.each(golden.keys)('the canonical key of %s is found from the cache’s own', (text, key) => {
    expect(canonicalOfCacheKey(key)).toBe(canonicalKeyOf(dictFrom(text)))
  })

  it('are one canonical key for the same arguments in another order and writing, and another for others', () => {
    const one = canonicalKeyOf(dictFrom('{"a": 1, "b": {"c": 2.0, "d": null}}'))
    expect(canonicalKeyOf(dictFrom('{"b": {"d": null, "c": 2}, "a": 1.0}'))).toBe(one)
    expect(canonicalKeyOf(dictFrom('{"b": {"d": null, "c": 2}, "a": "1"}'))).not.toBe(one)
    expect(canonicalOfCacheKey('not a literal')).toBeNull()
  })
})

describe('json.dumps', () => {
  it.each(golden.dumps)('writes $json as Python does', ({ json, plain, indented, compact }) => {
    const value = pythonFromJson(json)
    expect(dumpsPython(value)).toBe(plain)
    expect(dumpsPython(value, { indent: 2 })).toBe(indented)
    expect(dumpsPython(value, { ascii: false, compact: true })).toBe(compact)
  })
})
