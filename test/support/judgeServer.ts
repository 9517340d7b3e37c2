/** A local OpenAI-compatible server that judges as a test tells it to. */
import { createServer, type Server } from 'node:http'

export type JudgeMood = 'scores' | 'wrong-length' | 'prose' | 'unauthorised' | 'rate-limited' | 'no-cors'

export interface JudgeServer {
  readonly url: string
  readonly server: Server
  mood: JudgeMood
  /** Calls answered so far, preflights not counted. */
  calls: number
  readonly keysSeen: Set<string>
}

/** @param steps intermediate steps of every trajectory that will be judged. Contribution goes 3, 4, 5, 3, … over the calls. */
export async function startJudgeServer(steps: number): Promise<JudgeServer> {
  const server = createServer((request, response) => {
    const cors = judge.mood === 'no-cors' ? {} : { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' }
    if (request.method === 'OPTIONS') {
      response.writeHead(204, cors).end()
      return
    }
    request.resume()
    request.on('end', () => {
      judge.calls++
      judge.keysSeen.add(request.headers.authorization ?? '')
      const answer = (status: number, body: unknown, headers: Record<string, string> = {}): void => {
        response.writeHead(status, { ...cors, 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
      }
      if (judge.mood === 'unauthorised') {
        answer(401, { error: { message: 'bad key' } })
        return
      }
      if (judge.mood === 'rate-limited') {
        answer(429, { error: { message: 'slow down' } }, { 'retry-after': '600' })
        return
      }
      const count = judge.mood === 'wrong-length' ? steps + 1 : steps
      const marks = {
        succeed_tool_calling: Array.from({ length: count }, () => 1),
        contribution_to_final_answer: Array.from({ length: count }, () => 3 + ((judge.calls - 1) % 3)),
        final_answer_status: 'Solved',
      }
      const call = { id: 'call_1', type: 'function', function: { name: 'evaluate_process_reward', arguments: JSON.stringify(marks) } }
      const message =
        judge.mood === 'prose'
          ? { role: 'assistant', content: 'Looks fine to me.' }
          : { role: 'assistant', content: null, tool_calls: [call] }
      answer(200, {
        id: 'x',
        object: 'chat.completion',
        model: 'judge',
        choices: [{ index: 0, finish_reason: 'stop', message }],
        usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the judge has no port')
  const judge: JudgeServer = { url: `http://127.0.0.1:${address.port}/v1`, server, mood: 'scores', calls: 0, keysSeen: new Set() }
  return judge
}
