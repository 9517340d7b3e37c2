/**
 * A run's metrics to Weights & Biases, over the HTTP its own client speaks (wandb/wandb: core/api/graphql/mutation_run.graphql,
 * core/internal/filestream): the mutation upsertBucket on /graphql makes the run and says how many rows of history it has; the rows after
 * these, the summary and the end go to /files/ENTITY/PROJECT/RUN/file_stream. The key is added here and is in no other place.
 */
import { z } from 'zod'
import { createMask } from '../base/maskSecret'
import type { WandbRun, WandbSent } from '../records/wandbRun'
import { addressFromEnvironment, keyFromEnvironment } from './upstream'

export interface WandbServer {
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly apiKey: string
}

const CLOUD = 'https://api.wandb.ai'

/** Null without WANDB_API_KEY. Throws one sentence when WANDB_BASE_URL is no address. */
export function wandbFromEnvironment(env: Readonly<Record<string, string | undefined>>): WandbServer | null {
  const apiKey = keyFromEnvironment(env, 'WANDB_API_KEY')
  if (apiKey === null) return null
  return { baseUrl: addressFromEnvironment(env, 'WANDB_BASE_URL', CLOUD) ?? CLOUD, apiKey }
}

export interface WandbParts {
  readonly fetch: typeof fetch
  readonly sleep: (ms: number) => Promise<void>
  readonly signal?: AbortSignal
}

/** One sentence for the person who asked. */
export class WandbError extends Error {
  override readonly name = 'WandbError'
}

const UPSERT = `mutation UpsertBucket($name: String, $project: String, $entity: String, $displayName: String, $notes: String, $jobType: String, $config: JSONString) {
  upsertBucket(input: {name: $name, modelName: $project, entityName: $entity, displayName: $displayName, notes: $notes, jobType: $jobType, config: $config}) {
    bucket { id name displayName historyLineCount project { name entity { name } } }
    inserted
  }
}`

const answer = z.object({
  data: z
    .object({
      upsertBucket: z
        .object({
          bucket: z.object({
            name: z.string(),
            historyLineCount: z.int().nonnegative().nullish(),
            project: z.object({ name: z.string(), entity: z.object({ name: z.string() }) }),
          }),
        })
        .nullish(),
    })
    .nullish(),
  errors: z.array(z.object({ message: z.string() })).nullish(),
})

/** wandb takes about 10 MB a request. */
const MAX_CONTENT_CHARS = 2 ** 22
const TRIES = 4

/** Sends what wandb has not of the run. Throws a WandbError. */
export async function sendRunToWandb(server: WandbServer, run: WandbRun, parts: WandbParts): Promise<WandbSent> {
  const { name, project, entity, displayName, notes, jobType } = run
  // Every value of a configuration is under a key of its own, as wandb's clients write it.
  const config = JSON.stringify(Object.fromEntries(Object.entries(run.config).map(([key, value]) => [key, { value }])))
  const variables = { name, project, entity, displayName, notes, jobType, config }
  const reply = answer.safeParse(await post(server, '/graphql', { operationName: 'UpsertBucket', query: UPSERT, variables }, parts))
  const problem = reply.data?.errors?.[0]?.message
  if (problem !== undefined) throw new WandbError(`wandb refused the run: ${hideKey(problem, server)}`)
  const bucket = reply.data?.data?.upsertBucket?.bucket
  if (!bucket) throw new WandbError(`${hostOf(server)} did not answer as wandb does: the answer to upsertBucket names no run.`)

  const at = [bucket.project.entity.name, bucket.project.name, bucket.name].map(encodeURIComponent)
  const path = `/files/${at.join('/')}/file_stream`
  const known = Math.min(bucket.historyLineCount ?? 0, run.history.length)
  let offset = known
  for (const content of pieces(run.history.slice(known).map((row) => JSON.stringify(row)))) {
    await post(server, path, { files: { 'wandb-history.jsonl': { offset, content } } }, parts)
    offset += content.length
  }
  const end = run.exitCode === null ? {} : { complete: true, exitcode: run.exitCode }
  await post(server, path, { files: { 'wandb-summary.json': { offset: 0, content: [JSON.stringify(run.summary)] } }, ...end }, parts)
  return { url: pageOf(server, at), sent: offset - known, steps: run.history.length }
}

function* pieces(lines: readonly string[]): Generator<string[]> {
  let piece: string[] = []
  let chars = 0
  for (const line of lines) {
    if (piece.length > 0 && chars + line.length > MAX_CONTENT_CHARS) {
      yield piece
      piece = []
      chars = 0
    }
    piece.push(line)
    chars += line.length
  }
  if (piece.length > 0) yield piece
}

/** Asks again when the server is busy or down, as wandb's client does. */
async function post(server: WandbServer, path: string, body: unknown, { fetch, sleep, signal }: WandbParts): Promise<unknown> {
  const headers = { 'content-type': 'application/json', authorization: `Basic ${btoa(`api:${server.apiKey}`)}` }
  // A redirect could carry the key to another host.
  const init: RequestInit = { method: 'POST', headers, body: JSON.stringify(body), redirect: 'error', ...(signal ? { signal } : {}) }
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(`${server.baseUrl}${path}`, init).catch(() => null)
    signal?.throwIfAborted()
    if (response?.ok === true) return response.json().catch(() => null)
    await response?.body?.cancel()
    const isPassing = response === null || response.status === 429 || response.status >= 500
    if (!isPassing || attempt === TRIES) throw new WandbError(refusal(server, response?.status ?? null))
    await sleep(1000 * 2 ** (attempt - 1))
  }
}

function refusal(server: WandbServer, status: number | null): string {
  const host = hostOf(server)
  if (status === null) return `wandb at ${host} could not be reached.`
  if (status === 401) return `wandb at ${host} does not know the key in WANDB_API_KEY.`
  if (status === 403) return `wandb at ${host} lets this key write no run there: check the project and the entity.`
  return `wandb at ${host} answered with status ${status}.`
}

const hostOf = ({ baseUrl }: WandbServer): string => new URL(baseUrl).host
const hideKey = (text: string, { apiKey }: WandbServer): string => createMask(apiKey)(text).slice(0, 300)

/** The cloud's pages are at wandb.ai, a server of one's own shows them itself. */
function pageOf({ baseUrl }: WandbServer, [entity = '', project = '', run = '']: readonly string[]): string {
  return `${baseUrl === CLOUD ? 'https://wandb.ai' : baseUrl}/${entity}/${project}/runs/${run}`
}
