/** A small private file system, which can be killed in the middle of a write. */
import type { DirectoryAccess, SyncAccess } from '../../src/storage/browserStore'

export class Killed extends Error {}

export class FakeDirectory implements DirectoryAccess {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>()
  /** Bytes and calls a write may still take before everything stops; infinite at first. */
  budget = Number.POSITIVE_INFINITY
  /** Most bytes one write call takes: hosts may take fewer than offered. */
  largestWrite = 1000

  #spend(amount: number): number {
    const granted = Math.min(amount, this.budget)
    this.budget -= granted
    return granted
  }

  getFileHandle(name: string, { create }: { create: boolean }) {
    if (!this.files.has(name)) {
      if (!create) return Promise.reject(new DOMException(name, 'NotFoundError'))
      this.files.set(name, new Uint8Array(0))
    }
    const bytesOf = (): Uint8Array<ArrayBuffer> => this.files.get(name) ?? new Uint8Array(0)
    const access: SyncAccess = {
      write: (bytes, { at }) => {
        const wanted = Math.min(bytes.length, this.largestWrite)
        const granted = this.#spend(wanted)
        const before = bytesOf()
        const after = new Uint8Array(Math.max(before.length, at + granted))
        after.set(before)
        after.set(bytes.subarray(0, granted), at)
        if (granted > 0) this.files.set(name, after)
        if (granted < wanted) throw new Killed()
        return granted
      },
      truncate: (bytes) => {
        if (this.#spend(1) < 1) throw new Killed()
        this.files.set(name, bytesOf().slice(0, bytes))
      },
      flush: () => {
        if (this.#spend(1) < 1) throw new Killed()
      },
      close: () => undefined,
    }
    return Promise.resolve({ getFile: () => Promise.resolve(new Blob([bytesOf()])), createSyncAccessHandle: () => Promise.resolve(access) })
  }

  removeEntry(name: string): Promise<void> {
    return this.files.delete(name) ? Promise.resolve() : Promise.reject(new DOMException(name, 'NotFoundError'))
  }

  async *keys(): AsyncGenerator<string> {
    yield* [...this.files.keys()]
    await Promise.resolve()
  }
}
