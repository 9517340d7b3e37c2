/**
 * A lock in a file, for what one process at a time may write. The file says who holds it (process, computer, since when). A lock whose
 * process has ended is taken over. A process on another computer cannot be looked at, so its lock stays until somebody removes the file.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { readFileSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { z } from 'zod'
import { utcText } from '../../base/utcText'

const lockOwner = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** ISO time. */
  since: z.string(),
  /** When the process started, as the kernel counts: a later process may have the same number. null where that is not known. */
  started: z.string().nullable(),
  /** Another one for each time a lock was taken. */
  token: z.string(),
})
type LockOwner = z.infer<typeof lockOwner>

export type FileLock =
  | {
      readonly ok: true
      readonly release: () => void
      /** A sentence about the owner of before, who had ended without giving the lock back; null when there was none. */
      readonly takenOver: string | null
    }
  /** `owner`: `process 4242 on box, since 2026-01-01 10:00:00 UTC`. */
  | { readonly ok: false; readonly owner: string }

/** Locks that this process holds. */
const held = new Map<string, LockOwner>()

/** Takes the lock at `path`, or says who has it. */
export async function takeFileLock(path: string): Promise<FileLock> {
  await mkdir(dirname(path), { recursive: true })
  const own: LockOwner = {
    ...{ pid: process.pid, host: hostname(), since: new Date().toISOString(), started: startOf(process.pid), token: randomUUID() },
  }
  let takenOver: string | null = null
  for (;;) {
    if (await create(path, own)) return { ok: true, release: releaseOf(path, own), takenOver }
    const before = await ownerIn(path)
    // The owner gave it back meanwhile.
    if (before === 'none') continue
    if (before !== 'unreadable' && isAlive(path, before))
      return { ok: false, owner: textOf(before) + (before.host === own.host ? '' : ` (remove ${path} if that process has ended)`) }
    await removeStale(path, before)
    takenOver =
      before === 'unreadable'
        ? 'A damaged lock file of an earlier process was removed.'
        : `The lock of ${textOf(before)} was taken over: that process has ended.`
  }
}

const textOf = ({ pid, host, since }: LockOwner): string => `process ${pid} on ${host}, since ${utcText(since)}`

/** Makes the file with its content at once, or finds that there is one. */
async function create(path: string, owner: LockOwner): Promise<boolean> {
  const own = `${path}.${owner.token}`
  const text = `${JSON.stringify(owner)}\n`
  await writeFile(own, text)
  try {
    await link(own, path).catch(async (error: unknown) => {
      if (isCode(error, 'EEXIST')) throw error
      // A file system without hard links.
      const handle = await open(path, 'wx')
      await handle.writeFile(text).finally(() => handle.close())
    })
    if (held.size === 0) process.once('exit', releaseAll)
    held.set(path, owner)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(own, { force: true })
  }
}

async function ownerIn(path: string): Promise<LockOwner | 'none' | 'unreadable'> {
  // Where there are no hard links, its owner may be about to write it.
  for (let tries = 0; tries < 5; tries++) {
    try {
      return lockOwner.parse(JSON.parse(await readFile(path, 'utf8')))
    } catch (error) {
      if (isCode(error, 'ENOENT')) return 'none'
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  return 'unreadable'
}

function isAlive(path: string, { pid, host, started, token }: LockOwner): boolean {
  if (host !== hostname()) return true
  if (pid === process.pid) return held.get(path)?.token === token
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    if (isCode(error, 'ESRCH')) return false
  }
  const now = startOf(pid)
  return started === null || now === null || started === now
}

/** Moves a stale lock away. Where another process was faster, the file that was moved is the new owner's, and is put back. */
async function removeStale(path: string, stale: LockOwner | 'unreadable'): Promise<void> {
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return
    throw error
  }
  const moved = await ownerIn(aside)
  const isSame = moved === 'unreadable' || moved === 'none' ? stale === 'unreadable' : stale !== 'unreadable' && moved.token === stale.token
  if (!isSame) await link(aside, path).catch(() => undefined)
  await rm(aside, { force: true })
}

/** A process that ends in its own way leaves no lock behind. */
function releaseAll(): void {
  for (const [path, owner] of [...held]) releaseOf(path, owner)()
}

function releaseOf(path: string, { token }: LockOwner): () => void {
  return () => {
    if (held.get(path)?.token !== token) return
    held.delete(path)
    if (held.size === 0) process.off('exit', releaseAll)
    try {
      if (lockOwner.parse(JSON.parse(readFileSync(path, 'utf8'))).token === token) rmSync(path, { force: true })
    } catch {
      // Somebody removed it.
    }
  }
}

/** Boot of the computer and start of the process, as Linux counts it; null on other systems. */
function startOf(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold anything; the start is the 20th word after it.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return start === undefined ? null : `${boot} ${start}`
  } catch {
    return null
  }
}

const isCode = (error: unknown, code: string): boolean => error instanceof Error && 'code' in error && error.code === code
