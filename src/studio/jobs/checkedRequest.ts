/** Checks a request from the page or the command line with its schema; a mistake becomes one sentence. */
import { jobRequests, type JobRequest } from '../../records/requests'
import type { Reply } from '../../worker/protocol'
import { accept, refuse } from '../failure'

/** The code of a refusal is the field that is wrong. */
export function checkedRequest<Request extends JobRequest>(request: Request): Reply<Request> {
  const kind: string = request.kind
  const schema = Object.entries(jobRequests).find(([known]) => known === kind)?.[1]
  if (!schema) return refuse('unknown-job', `There is no job ${kind}; there is ${Object.keys(jobRequests).join(', ')}.`)
  const parsed = schema.safeParse(request)
  const [issue] = parsed.error?.issues ?? []
  // What was parsed is of the kind that was asked for.
  if (parsed.success) return accept(parsed.data as Request)
  const field = issue?.path.map(String) ?? []
  return refuse(field[0] ?? 'request', `${field.join('.') || 'The request'}: ${issue?.message ?? 'cannot be used'}.`)
}
