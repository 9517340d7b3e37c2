/** What the page has stored in the browser, read and written behind the studio's back. */
import type { Page } from 'playwright'

/** All records of one kind in the browser's database; none where the studio has not made it yet. */
export async function storedRecords(page: Page, kind: string): Promise<Record<string, unknown>[]> {
  return page.evaluate(
    (store) =>
      new Promise<Record<string, unknown>[]>((resolve, reject) => {
        const open = indexedDB.open('hone')
        // Not there yet: making it here, empty, would keep the studio from making it.
        open.onupgradeneeded = () => open.transaction?.abort()
        open.onerror = () => {
          if (open.error?.name === 'AbortError') resolve([])
          else reject(new Error('the database does not open'))
        }
        open.onsuccess = () => {
          const all = open.result.transaction(store).objectStore(store).getAll()
          all.onsuccess = () => {
            open.result.close()
            resolve((all.result as { value: Record<string, unknown> }[]).map((row) => row.value))
          }
          all.onerror = () => {
            reject(new Error(`no store ${store}`))
          }
        }
      }),
    kind,
  )
}

/** A record as the browser's database has it. */
export interface StoredRow {
  readonly store: 'datasets' | 'trajectories' | 'opinions' | 'runs' | 'evaluations'
  readonly id: string
  readonly owner: string
  readonly value: unknown
}

/** Puts records into the page's storage behind the studio's back. As JSON, because a lone surrogate does not survive the way there. */
export async function putRecords(page: Page, rows: readonly StoredRow[]): Promise<void> {
  await page.evaluate(
    (text) =>
      new Promise<void>((resolve, reject) => {
        const all = JSON.parse(text) as StoredRow[]
        const open = indexedDB.open('hone')
        open.onerror = () => {
          reject(new Error('the database does not open'))
        }
        open.onsuccess = () => {
          const change = open.result.transaction([...new Set(all.map(({ store }) => store))], 'readwrite')
          for (const { store, ...row } of all) change.objectStore(store).put(row)
          change.oncomplete = () => {
            open.result.close()
            resolve()
          }
          change.onerror = () => {
            reject(new Error('the records were not stored'))
          }
        }
      }),
    JSON.stringify(rows),
  )
}
