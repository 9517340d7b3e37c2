/** A fixed text whose tokens' log-probs are taken before and after training: proof that the policy changed. */
import { starterPrompt } from '../../agents/prompts/starterPrompt'
import { formatCall, oraclePolicy, type StarterWorld } from '../../environments/starter'

/** The first practice query, answered perfectly. */
export function probeText(world: StarterWorld): string {
  const query = world.queries('practice')[0]
  if (!query) return ''
  const episode = world.start(query)
  const oracle = oraclePolicy(world, query)
  const observations: string[] = []
  let text = starterPrompt.renderStart(episode.tools, query.text)
  for (;;) {
    const call = oracle(observations)
    text += `${formatCall(call.name, call.arguments)}${starterPrompt.stopToken}`
    if (starterPrompt.finalAnswer(call) !== undefined || observations.length > 8) return text
    const reply = episode.call(call)
    observations.push(reply.text)
    text += starterPrompt.renderObservation(reply.text)
  }
}
