/** axe-core on the page as it stands, and a check that nothing is wider than the screen. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright'
import { z } from 'zod'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const violations = z.array(z.object({ id: z.string(), nodes: z.array(z.object({ target: z.array(z.unknown()), html: z.string() })) }))

/** One line per violation: rule, then the first elements that break it. */
export async function axeViolations(page: Page): Promise<string[]> {
  // A tooltip under the resting pointer lies outside every landmark, as tooltips do.
  await page.mouse.move(0, 0)
  await page.locator('[role=tooltip]').waitFor({ state: 'detached' })
  // The page's policy forbids inline scripts; the debugger protocol evaluates past it.
  await page.evaluate(source)
  const found = await page.evaluate(
    'axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ target, html }) => ({ target, html })) })))',
  )
  return violations.parse(found).map(
    ({ id, nodes }) =>
      `${id}: ${nodes
        .slice(0, 3)
        .map((node) => node.html.slice(0, 160))
        .join(' | ')}`,
  )
}

/** Pixels by which the document is wider than the window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
}
