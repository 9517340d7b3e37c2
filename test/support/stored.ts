/** What the page has stored in the browser, read behind the studio's back. */
import type { Page } from 'playwright'

/** All records of one kind in the browser's database. */
export async function storedRecords(page: Page, kind: string): Promise<Record<string, unknown>[]> {
  return page.evaluate(
    (store) =>
      new Promise<Record<string, unknown>[]>((resolve, reject) => {
        const open = indexedDB.open('hone')
        open.onerror = () => {
          reject(new Error('the database does not open'))
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
