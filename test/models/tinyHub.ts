/** The tiny golden in three shards with a tokenizer that fits it, as a repository of a Hub. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/sources'
import { encode, shardedFiles } from './shards'

export const TINY_REPO = 'tiny-org/tiny_qwen2'

/** The starter's tokenizer cut down to the tiny model's 96 ids would be none: a word for each id will do. */
export async function tinyHubFiles(): Promise<Map<string, Uint8Array>> {
  const vocab = Object.fromEntries(Array.from({ length: 96 }, (_, id) => [String.fromCharCode(0x100 + id), id]))
  const starter: unknown = JSON.parse(readFileSync(join(projectRoot, 'public/starter/tokenizer.json'), 'utf8'))
  const tokenizer = Object.assign({}, starter, { model: { type: 'BPE', vocab, merges: [] }, added_tokens: [] })
  return (await shardedFiles('tiny_qwen2')).set('tokenizer.json', encode(tokenizer))
}
