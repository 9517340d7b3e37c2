/** `hone serve`: the gateway, and with `--site` the page too (`npm start` is `hone serve --site dist`). */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { createGateway } from '../../gateway/app'
import { listen } from '../../gateway/listen'
import { upstreamFromEnvironment } from '../../gateway/upstream'
import { wandbFromEnvironment } from '../../gateway/wandb'
import { defineCommand, UsageError } from '../command'

export const serve = defineCommand({
  name: 'serve',
  summary: 'serves the gateway on localhost, and with --site the built site',
  options: z.object({
    port: z.int().min(0).max(65_535).default(4180).meta({ help: 'port on localhost; 0 takes a free one' }),
    site: z.string().optional().meta({ help: 'folder of the built site' }),
    allowOrigin: z
      .array(z.url({ protocol: /^https?$/ }))
      .default([])
      .meta({ help: 'origins of other pages that may use this gateway, such as https://example.org' }),
  }),
  run: async (context, { port, site, allowOrigin }) => {
    if (site !== undefined && !existsSync(join(site, 'index.html')))
      throw new UsageError(`${site} holds no built site; npm run build makes one.`)
    const upstream = upstreamFromEnvironment(process.env)
    // A new one at every start: who had the last one, or holds the port while Hone does not run, has nothing.
    const token = randomBytes(32).toString('base64url')
    const app = createGateway({
      token,
      siteDirectory: site ?? null,
      upstream,
      wandb: wandbFromEnvironment(process.env),
      sleep,
      allowedOrigins: allowOrigin.map((url) => new URL(url).origin),
      fetch: context.fetch,
    })
    const gateway = await listen(app, port)
    const server = upstream === null ? 'no model server (OPENAI_API_KEY is not set)' : `model server ${new URL(upstream.baseUrl).host}`
    context.progress(`Hone is at ${gateway.url} (${server}). Ctrl-C stops it.`)
    context.progress(
      `For the gateway, which uses your keys, open ${gateway.url}/#token=${token} instead: nobody without the token can use them.`,
    )
    await aborted(context.signal)
    await gateway.close()
    return { url: gateway.url, stopped: true }
  },
  show: () => '',
})

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      resolve()
    })
  })
}
