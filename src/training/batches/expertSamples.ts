/** The starter world's expert transcripts as supervised samples: loss on the agent's own tokens only, of all turns or of the last. */
import { sftCorpus } from '../../environments/starter'
import type { Message, SftCorpusOptions, StarterWorld } from '../../environments/starter'
import type { SampleSource } from './sampleSource'
import type { LossMask } from './lossMask'
import type { Sequence } from './packing'

interface Codec {
  encode(text: string): number[]
}

/** Ids of a transcript; targets are the assistant's content and the token that ends it, slips apart. */
function sequenceOfMessages(messages: readonly Message[], codec: Codec, { mask_history }: Pick<LossMask, 'mask_history'>): Sequence {
  const from = mask_history ? messages.findLastIndex(({ role }) => role === 'assistant') : 0
  const ids: number[] = []
  const targets: number[] = []
  for (const [turn, { role, content, isSlip }] of messages.entries()) {
    const marker = codec.encode(`<|${role}|>`)
    const body = codec.encode(`${content}<|end|>`)
    ids.push(...marker)
    if (role === 'assistant' && !isSlip && turn >= from) targets.push(...body.map((_, index) => ids.length + index))
    ids.push(...body)
  }
  return { ids, targets }
}

export function starterSamples(
  world: StarterWorld,
  codec: Codec,
  options: SftCorpusOptions & { readonly samples: number; readonly mask: Pick<LossMask, 'mask_history'> },
): SampleSource {
  const corpus = sftCorpus(world, options)
  return { length: options.samples, sample: (index) => sequenceOfMessages(corpus.sample(index).messages, codec, options.mask) }
}
