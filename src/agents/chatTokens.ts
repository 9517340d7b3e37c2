/**
 * Token ids and log-probabilities in a completion, as vLLM gives them for `return_token_ids` and `logprobs`. Some versions write ids as strings, or
 * as `token_id:123` in place of the token.
 */
import { z } from 'zod'
import type { ChatTokens } from './chatModel'

const id = z.union([z.int().nonnegative(), z.string().regex(/^\d+$/).transform(Number)])
const ids = z.array(id).nullish().catch(null)
const entry = z.object({ token: z.string().nullish().catch(null), logprob: z.number() })

/** The fields of a completion that the reader below needs. */
export const completionTokens = {
  body: { prompt_token_ids: ids },
  choice: {
    token_ids: ids,
    prompt_token_ids: ids,
    logprobs: z
      .object({ content: z.array(entry).nullish() })
      .nullish()
      .catch(null),
  },
}
type Body = z.output<z.ZodObject<typeof completionTokens.body>>
type Choice = z.output<z.ZodObject<typeof completionTokens.choice>>

const NAMED_ID = /^token_id:(\d+)$/

/** null unless there are ids of the prompt, and an id and a log-probability for every token of the answer. */
export function readTokens(body: Body, choice: Choice): ChatTokens | null {
  const promptIds = body.prompt_token_ids ?? choice.prompt_token_ids
  const entries = choice.logprobs?.content
  if (!promptIds || !entries) return null
  const named = entries.map(({ token }) => NAMED_ID.exec(token ?? '')?.[1])
  const written = choice.token_ids ?? (named.every((one) => one !== undefined) ? named.map(Number) : null)
  return written?.length === entries.length ? { promptIds, ids: written, logprobs: entries.map(({ logprob }) => logprob) } : null
}
