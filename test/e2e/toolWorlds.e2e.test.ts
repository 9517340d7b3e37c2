/** On the page Tools, worlds that need data are given some, and their tools are called: in Python, and from recorded replies. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openApp, type OpenApp } from '../support/app'
import { projectRoot } from '../support/sources'

const openTools = async (world: string): Promise<OpenApp> => openApp(`#/tools?world=${world}`, { webgpu: false })

async function callTool({ page }: OpenApp, tool: string, args: Readonly<Record<string, string>>): Promise<string> {
  await page.getByTestId('tool-row').filter({ hasText: tool }).first().click({ timeout: 30_000 })
  for (const [name, value] of Object.entries(args))
    await page
      .getByTestId('tool-argument')
      .and(page.getByLabel(name, { exact: true }))
      .fill(value)
  await page.getByTestId('tool-call').click()
  const [value = ''] = Object.values(args)
  const reply = page.getByTestId('tool-reply').filter({ hasText: value }).first()
  return (await reply.textContent({ timeout: 60_000 })) ?? ''
}

it('ToolHop: a function of the file runs in Python, and its exception is the reply', async () => {
  const app = await openTools('toolhop')
  await app.page.getByTestId('world-file').setInputFiles(join(projectRoot, 'test/fixtures/toolhop/ToolHop.json'))
  expect(await callTool(app, 'letter_count', { text: 'Lindern 12' })).toMatch(/1 characters7$/)
  expect(await callTool(app, 'opening_year', { structure: 'nowhere' })).toContain("an error occured when call opening_year: 'nowhere'")
  expect(app.problems).toEqual([])
  await app.page.context().close()
})

it('RestBench-TMDB: an operation of the document replies what was recorded, and says what was not', async () => {
  const app = await openTools('tmdb')
  await app.page.getByTestId('world-folder').setInputFiles(join(projectRoot, 'test/fixtures/tmdb'))
  expect(await callTool(app, 'get_puppet_plays', { puppet_id: '7' })).toContain('The lost hat')
  expect(await callTool(app, 'get_puppet_plays', { puppet_id: '8' })).toContain(
    'the API needs a key: the command line takes it from TMDB_API_KEY',
  )
  expect(app.problems).toEqual([])
  await app.page.context().close()
})
