/** The site where a server of static files has it: under a path, without headers. */
import { it } from 'vitest'
import { openApp } from '../support/app'
import { serveStatically } from '../support/staticServer'
import { endStory, startStory } from '../support/story'

it('does the same under a path of a static server that sets no headers', async () => {
  const { url, server } = await serveStatically('/a/b')
  const { page, problems } = await openApp('', { at: url, viewport: { width: 1360, height: 900 } })
  await startStory(page)
  await endStory(page, problems, 'story-static')
  await page.context().close()
  server.close()
}, 900_000)
