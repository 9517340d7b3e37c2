/** An expert's transcripts as supervised samples: loss on the agent's own tokens only, of all turns or of the last. */
import type { CallFormat } from '../../agents/callFormats/callFormat'
import type { TranscriptMessage, Transcripts } from '../../environments/benchmark'
import type { SampleSource } from './sampleSource'
import type { LossMask } from './lossMask'
import type { Sequence } from './packing'

interface Codec {
  encode(text: string): number[]
}

/** Transcripts are in the compact syntax, message by message: only a format with such messages says them. */
type TranscriptFormat = CallFormat & Required<Pick<CallFormat, 'message'>>
export const sendsMessages = (format: CallFormat): format is TranscriptFormat => format.message !== undefined

interface TranscriptOptions {
  readonly format: TranscriptFormat
  readonly mask: Pick<LossMask, 'mask_history'>
}

/** Ids of a transcript; targets are the assistant's content and the token that ends it, slips apart. */
function sequenceOfMessages(messages: readonly TranscriptMessage[], codec: Codec, { format, mask }: TranscriptOptions): Sequence {
  const from = mask.mask_history ? messages.findLastIndex(({ role }) => role === 'assistant') : 0
  const ids: number[] = []
  const targets: number[] = []
  for (const [turn, { role, content, isSlip }] of messages.entries()) {
    const message = format.message(role, content)
    const header = codec.encode(message.header)
    const body = codec.encode(message.body)
    ids.push(...header)
    if (role === 'assistant' && !isSlip && turn >= from) targets.push(...body.map((_, index) => ids.length + index))
    ids.push(...body)
  }
  return { ids, targets }
}

/** Samples in the order of the transcripts, as many as their recipe draws. */
export function expertSamples(transcripts: Transcripts, codec: Codec, options: TranscriptOptions): SampleSource {
  return { length: transcripts.length, sample: (index) => sequenceOfMessages(transcripts.transcript(index), codec, options) }
}
