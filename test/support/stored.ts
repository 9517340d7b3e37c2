/** What the page has stored in the browser, read behind the studio's back. */
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
