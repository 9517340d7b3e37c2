/** Checks before step 0 of the tokenized data: truncation, ends, loss mask, rewards and encoding. */
import { type Finding, lengthAdvice } from './settingsChecks'
import type { TokenizedTrajectory } from '../batches/tokenizedTrajectory'
import type { TextEncoding } from '../../base/textCodec'

const of = (part: number, all: number): string => `${part} of ${all} (${Math.round((100 * part) / Math.max(1, all))} %)`

/** Rows that the settings shorten, and steps that lose all they had to teach. */
export function checkTruncation(sequences: readonly TokenizedTrajectory[], settings: Readonly<Record<string, unknown>>): Finding {
  const check = 'truncation'
  const cut = sequences.filter(({ truncatedTokens }) => truncatedTokens > 0)
  if (cut.length === 0) return { check, level: 'fine', message: `None of the ${sequences.length} rows is cut.` }
  const tokens = cut.reduce((sum, { truncatedTokens }) => sum + truncatedTokens, 0)
  const all = sequences.reduce((sum, { ids }) => sum + ids.length, tokens)
  const lost = sequences.reduce((sum, { notTrainedSteps }) => sum + notTrainedSteps.length, 0)
  const steps = lost === 0 ? 'Every step still trains.' : `${lost} ${lost === 1 ? 'step is' : 'steps are'} not trained at all.`
  return {
    check,
    level: 'warning',
    message: `${of(cut.length, sequences.length)} rows are cut, by ${of(tokens, all)} of the tokens. ${steps} To keep them, ${lengthAdvice(settings, 'raise')}.`,
  }
}

/** Which tokens end a response, and which are white space, as the line end that ChatML writes after its end token. */
export interface EndTokens {
  readonly ends: ReadonlySet<number>
  readonly isSpace: (id: number) => boolean
}

/** Whether final responses end with a token that ends them: without one a model does not learn to stop. What a template writes after it is white space. */
export function checkEnds(sequences: readonly TokenizedTrajectory[], { ends, isSpace }: EndTokens): Finding {
  const check = 'end of sequence'
  // A response that was cut has lost its end; another check reports that.
  const whole = sequences.filter(({ truncatedSteps, rewards, stepOf }) => {
    const last = rewards.length - 1
    return !truncatedSteps.includes(last) && stepOf.at(-1) === last
  })
  const open = whole.filter(({ ids }) => !ends.has(ids.findLast((id) => !isSpace(id)) ?? -1))
  if (whole.length === 0 || open.length === 0)
    return { check, level: 'fine', message: `Every whole final response ends with an end token (${whole.length}).` }
  return {
    check,
    level: 'warning',
    message: `${of(open.length, whole.length)} final responses do not end with an end token, so the model will not learn where to stop.`,
  }
}

/** Decides which positions of a sequence carry loss, and says why none would. */
export interface MaskRule {
  readonly positions: (sequence: TokenizedTrajectory) => readonly number[]
  readonly whyNone: string
}

/** Checks that there are tokens to train on. */
export function checkMask(sequences: readonly TokenizedTrajectory[], { positions, whyNone }: MaskRule): Finding {
  const check = 'loss mask'
  const counts = sequences.map((sequence) => positions(sequence).length)
  const empty = counts.filter((count) => count === 0).length
  const tokens = counts.reduce((sum, count) => sum + count, 0)
  if (tokens === 0) return { check, level: 'refusal', message: `No token of the ${sequences.length} rows carries loss: ${whyNone}.` }
  const all = sequences.reduce((sum, { ids }) => sum + ids.length, 0)
  const rest = empty === 0 ? '' : ` ${of(empty, sequences.length)} rows carry none.`
  return { check, level: empty === 0 ? 'fine' : 'warning', message: `${of(tokens, all)} of the tokens carry loss.${rest}` }
}

/** Checks that rewards differ; if all are equal, advantages do not depend on what the agent did. */
export function checkRewards(rewards: readonly (number | null)[]): Finding {
  const check = 'rewards'
  const given = rewards.filter((reward) => reward !== null)
  if (given.length === 0) return { check, level: 'refusal', message: `None of the ${rewards.length} steps has a reward. Label some first.` }
  const [least, most] = given.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity])
  const without = rewards.length - given.length
  const rest = without === 0 ? '' : ` ${of(without, rewards.length)} steps have none.`
  if (least === most)
    return {
      check,
      level: 'warning',
      message: `Every reward is ${least}, so good and bad steps earn the same and only length is learnt.${rest}`,
    }
  const mean = given.reduce((sum, value) => sum + value, 0) / given.length
  const short = (value: number): string => String(Number(value.toPrecision(3)))
  return {
    check,
    level: without === 0 ? 'fine' : 'warning',
    message: `Rewards range from ${short(least)} to ${short(most)} and average ${short(mean)}.${rest}`,
  }
}

/**
 * Checks that text encoded piece by piece has the same ids as the whole text. Otherwise the model is trained on ids that it would not read when
 * it acts. `texts` has the pieces of each row in order.
 */
export function checkEncoding(texts: readonly (readonly string[])[], codec: TextEncoding): Finding {
  const check = 'encoding'
  const differing = texts.filter((pieces) => {
    const whole = codec.encode(pieces.join(''))
    const apart = pieces.flatMap((piece) => codec.encode(piece))
    return whole.length !== apart.length || whole.some((id, at) => id !== apart[at])
  })
  if (differing.length === 0)
    return {
      check,
      level: 'fine',
      message: `The pieces of a text have the same tokens as the whole text in all ${texts.length} rows that were checked.`,
    }
  return {
    check,
    level: 'warning',
    message: `In ${of(differing.length, texts.length)} rows that were checked, pieces encoded separately have other tokens than the whole text. Rollouts store their token ids and avoid this (encoding: tokens).`,
  }
}
