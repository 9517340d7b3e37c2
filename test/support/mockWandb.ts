/** A server on this machine in wandb's place, that takes nothing which wandb's own client would not send. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'
import type { WandbServer } from '../../src/gateway/wandb'

export const WANDB_KEY = '0123456789abcdef0123456789abcdef01234567'

/** JSONString of wandb's schema: JSON inside a string. */
const jsonString = z.string().transform((text) => JSON.parse(text) as unknown)
/** The variables and fields of core/api/graphql/mutation_run.graphql that are used. */
const upsert = z.strictObject({
  operationName: z.literal('UpsertBucket'),
  query: z.string(),
  variables: z.strictObject({
    ...{
      name: z.string(),
      project: z.string(),
      entity: z.string().nullable(),
      displayName: z.string(),
      notes: z.string(),
      jobType: z.string(),
    },
    config: jsonString.pipe(z.record(z.string(), z.strictObject({ value: z.unknown() }))),
  }),
})
/** FileStreamRequestJSON of core/internal/filestream. */
const chunk = z.strictObject({ offset: z.int(), content: z.array(z.string().regex(/^[^\n]*$/)) })
const stream = z.strictObject({
  files: z.partialRecord(z.enum(['wandb-history.jsonl', 'wandb-summary.json']), chunk).optional(),
  complete: z.boolean().optional(),
  exitcode: z.int().optional(),
})

interface Bucket {
  history: string[]
  summary: unknown
  config: unknown
  displayName: string
  exitcode: number | null
}

/** Keeps runs as wandb does: rows of history at their offsets. `fail` answers the next requests instead. */
export class MockWandb {
  readonly runs = new Map<string, Bucket>()
  readonly fail: { status: number; body?: string }[] = []
  requests = 0
  #server: Server | null = null

  async start(): Promise<WandbServer> {
    const server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      })
    })
    this.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, apiKey: WANDB_KEY }
  }
  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: string }> {
    this.requests += 1
    const failure = this.fail.shift()
    if (failure) return { status: failure.status, body: failure.body ?? '{}' }
    const [scheme, credentials] = (request.headers.authorization ?? '').split(' ')
    if (scheme !== 'Basic' || atob(credentials ?? '') !== `api:${WANDB_KEY}`)
      return { status: 401, body: '{"error":"user is not logged in"}' }
    let text = ''
    for await (const part of request) text += String(part)
    const body: unknown = JSON.parse(text)
    if (request.method !== 'POST') return { status: 405, body: '{}' }
    return request.url === '/graphql' ? this.#upsert(body) : this.#stream(request.url ?? '', body)
  }

  #upsert(body: unknown): { status: number; body: string } {
    const { query, variables } = upsert.parse(body)
    for (const [field, variable] of [
      ['modelName', 'project'],
      ['entityName', 'entity'],
      ['name', 'name'],
      ['config', 'config'],
    ] as const)
      if (!query.includes(`${field}: $${variable}`)) throw new Error(`upsertBucket without ${field}`)
    const entity = variables.entity ?? 'ada'
    const key = `${entity}/${variables.project}/${variables.name}`
    const inserted = !this.runs.has(key)
    const run = this.runs.get(key) ?? { history: [], summary: null, config: null, displayName: '', exitcode: null }
    this.runs.set(key, Object.assign(run, { config: variables.config, displayName: variables.displayName }))
    const bucket = {
      ...{ id: 'UnVuOjE=', name: variables.name, displayName: variables.displayName, historyLineCount: run.history.length },
      project: { name: variables.project, entity: { name: entity } },
    }
    return { status: 200, body: JSON.stringify({ data: { upsertBucket: { bucket, inserted } } }) }
  }

  #stream(url: string, body: unknown): { status: number; body: string } {
    const [, key] = /^\/files\/([^/]+\/[^/]+\/[^/]+)\/file_stream$/.exec(url) ?? []
    const run = this.runs.get(decodeURIComponent(key ?? ''))
    if (!run) return { status: 404, body: '{}' }
    const { files = {}, complete, exitcode } = stream.parse(body)
    const history = files['wandb-history.jsonl']
    if (history) run.history.splice(history.offset, history.content.length, ...history.content)
    const summary = files['wandb-summary.json']
    if (summary) run.summary = JSON.parse(summary.content.at(-1) ?? 'null')
    if (complete === true) run.exitcode = exitcode ?? null
    return { status: 200, body: '{"exitcode":null,"limits":{}}' }
  }
}
