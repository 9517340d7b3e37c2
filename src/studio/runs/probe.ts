/** A fixed text whose tokens' log-probs are taken before and after training: proof that the policy changed. */
import { callFormatFor } from '../../agents/callFormats/callFormatFor'
import type { FormatEvidence } from '../../agents/callFormats/callFormat'
import { compact } from '../../agents/callFormats/compact'
import { writeMove } from '../../agents/callFormats/writeMove'
import { splitFor, type Benchmark } from '../../environments/benchmark'
import { conversationOf } from '../../environments/conversation'

/** Calls after which an expert that does not come to an end is cut off. */
const MOST_CALLS = 8

/** The first practice query, answered as the benchmark's expert would; without an expert, the query alone. */
export async function probeText(benchmark: Benchmark, model: FormatEvidence): Promise<string> {
  const query = benchmark.queries(splitFor(benchmark, 'practice'))[0]
  if (!query) return ''
  const choice = callFormatFor(model)
  // A model that no format fits is trained on files: any text shows that its policy changed.
  const format = choice.ok ? choice.format : compact
  const episode = await benchmark.environment.open(query)
  try {
    let text = format.start(episode.tools, conversationOf(query))
    const script = benchmark.expert?.script(query)
    const replies: string[] = []
    while (script) {
      const call = script(replies)
      const { text: turn, stopToken } = writeMove(format, call)
      const written = turn + stopToken
      text += written
      if (format.parse(written).answer !== undefined || replies.length > MOST_CALLS) break
      const [reply] = await episode.call([call])
      replies.push(reply?.text ?? '')
      text += format.next([{ role: 'tool', content: reply?.text ?? '', name: call.name }])
    }
    return text
  } finally {
    await episode.close()
  }
}
