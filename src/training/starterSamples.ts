/** The starter world's expert transcripts as supervised samples: loss on the agent's own tokens only. */
import { sftCorpus } from '../environments/starter'
import type { Message, SftCorpusOptions, StarterWorld } from '../environments/starter'
import type { SampleSource } from './algorithm'
import type { Sequence } from './packing'

interface Codec {
  encode(text: string): number[]
}

/** Ids of a transcript; targets are the assistant's content and the token that ends it, slips apart. */
function sequenceOfMessages(messages: readonly Message[], codec: Codec): Sequence {
  const ids: number[] = []
  const targets: number[] = []
  for (const { role, content, isSlip } of messages) {
    const marker = codec.encode(`<|${role}|>`)
    const body = codec.encode(`${content}<|end|>`)
    ids.push(...marker)
    if (role === 'assistant' && !isSlip) targets.push(...body.map((_, index) => ids.length + index))
    ids.push(...body)
  }
  return { ids, targets }
}

export function starterSamples(world: StarterWorld, codec: Codec, options: SftCorpusOptions & { readonly samples: number }): SampleSource {
  const corpus = sftCorpus(world, options)
  return { length: options.samples, sample: (index) => sequenceOfMessages(corpus.sample(index).messages, codec) }
}
