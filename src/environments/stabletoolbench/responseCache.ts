/**
 * The response cache: `tool_response_cache/<category>/<tool>_for_<category>/<api>.json` holds the replies of one API by the arguments of the
 * call. The user's files are only read. New replies go into an overlay, in the same format, which is asked first.
 */
import type { FileTree } from '../../base/fileTree'
import { dumpsPython } from '../../base/pythonJson'
import type { PythonDict } from '../../base/pythonValue'
import { createSerialQueue } from '../../base/serialQueue'
import { cacheKeyOf, canonicalKeyOf, canonicalOfCacheKey } from './cacheKey'
import { dictOf, FolderFileError, readDict } from './folderFile'

/** Where an API's replies are kept: names as `names.ts` makes them. */
export interface CachePlace {
  readonly category: string
  /** Ends in `_for_<category>`. */
  readonly tool: string
  readonly api: string
}

/** A place for new replies: files by relative path. */
export interface CacheOverlay {
  read(path: string): Promise<string | null>
  write(path: string, text: string): Promise<void>
}

export interface CachedReply {
  /** With `error` and `response`, without `is_fake`. */
  readonly reply: PythonDict
  /** Whether a model made it up. */
  readonly isFake: boolean
  /** Found by the same arguments in another order or writing. */
  readonly isAlias: boolean
}

export interface ResponseCache {
  find(place: CachePlace, input: PythonDict): Promise<CachedReply | null>
  /** The first replies of an API, as examples for a model that plays it. */
  examples(place: CachePlace, count: number): Promise<(readonly [key: string, reply: PythonDict])[]>
  /** Whether the cache has a file for the API. */
  knows(place: CachePlace): Promise<boolean>
  /** @param isFake null writes no such field, as StableToolBench's own server does. */
  save(place: CachePlace, input: PythonDict, reply: PythonDict, isFake: boolean | null): Promise<void>
}

/** Files kept in memory at once. */
const KEPT_FILES = 64
const FAKE = 'is_fake'

/** An API's replies by key, and the keys by the canonical writing of their arguments. */
interface CacheFile {
  readonly replies: PythonDict
  readonly aliases: Map<string, string>
}

export interface ResponseCacheParts {
  /** Absent: there is no recorded cache. */
  readonly files?: FileTree | undefined
  /** Absent: new replies last as long as the cache. */
  readonly overlay?: CacheOverlay | undefined
  /** Told once of each file that cannot be read. */
  readonly onProblem?: ((sentence: string) => void) | undefined
}

export function responseCache({ files, overlay, onProblem = () => undefined }: ResponseCacheParts): ResponseCache {
  const recorded = files ? recordedFiles(files, onProblem) : null
  const added = addedFiles(overlay, onProblem)

  async function find(place: CachePlace, input: PythonDict): Promise<CachedReply | null> {
    const [key, canonical] = [cacheKeyOf(input), canonicalKeyOf(input)]
    const inOrder = [await added.open(place), (await recorded?.open(place)) ?? null]
    for (const file of inOrder) {
      const exact = file?.replies.get(key)
      if (exact instanceof Map) return cachedReply(exact, false)
    }
    for (const file of inOrder) {
      const alias = file?.replies.get(file.aliases.get(canonical) ?? '')
      if (alias instanceof Map) return cachedReply(alias, true)
    }
    return null
  }

  return {
    find,
    examples: async (place, count) => {
      const inOrder = [(await recorded?.open(place)) ?? null, await added.open(place)]
      return inOrder
        .flatMap((file) => [...(file?.replies ?? [])])
        .flatMap(([key, reply]) => (typeof key === 'string' && reply instanceof Map ? [[key, reply] as const] : []))
        .slice(0, count)
    },
    knows: async (place) => ((await recorded?.open(place)) ?? null) !== null || (await added.open(place)) !== null,
    save: (place, input, reply, isFake) => added.save(place, input, isFake === null ? reply : new Map([...reply, [FAKE, isFake]])),
  }
}

function cachedReply(entry: PythonDict, isAlias: boolean): CachedReply {
  const reply = new Map(entry)
  reply.delete(FAKE)
  return { reply, isFake: entry.get(FAKE) === true, isAlias }
}

const pathOf = ({ category, tool, api }: CachePlace): string => `${category}/${tool}/${api}.json`

function cacheFile(replies: PythonDict): CacheFile {
  const aliases = new Map<string, string>()
  for (const key of replies.keys()) {
    if (typeof key !== 'string') continue
    const canonical = canonicalOfCacheKey(key)
    if (canonical !== null && !aliases.has(canonical)) aliases.set(canonical, key)
  }
  return { replies, aliases }
}

function recordedFiles(tree: FileTree, onProblem: (sentence: string) => void): { open(place: CachePlace): Promise<CacheFile | null> } {
  let index: Promise<ReadonlyMap<string, string>> | null = null
  const kept = new Map<string, Promise<CacheFile | null>>()
  const broken = new Set<string>()
  async function load(path: string): Promise<CacheFile | null> {
    try {
      const dict = await readDict(tree, path)
      return dict === null ? null : cacheFile(dict)
    } catch (error) {
      if (!(error instanceof FolderFileError)) throw error
      if (!broken.has(path)) onProblem(error.message)
      broken.add(path)
      return null
    }
  }
  return {
    open: async (place) => {
      const path = (await (index ??= indexOf(tree))).get(pathOf(place))
      if (path === undefined || broken.has(path)) return null
      const known = kept.get(path) ?? load(path)
      // The file used last stands last.
      kept.delete(path)
      kept.set(path, known)
      for (const oldest of kept.keys()) {
        if (kept.size <= KEPT_FILES) break
        kept.delete(oldest)
      }
      return known
    },
  }
}

/** Full paths by their last three parts. */
async function indexOf(tree: FileTree): Promise<Map<string, string>> {
  const paths = await tree.paths()
  const inCache = paths.filter((path) => /(?:^|\/)tool_response_cache\//.test(path))
  return new Map(
    (inCache.length > 0 ? inCache : paths)
      .filter((path) => path.endsWith('.json') && path.split('/').length >= 3)
      .map((path) => [path.split('/').slice(-3).join('/'), path]),
  )
}

/** Requests name the files: a name may not leave the folder, nor be one that a file system refuses. */
const isSafe = (path: string): boolean => path.split('/').every((part) => !/^\.|[\u0000-\u001f\\:*?"<>|]/.test(part) && part.length <= 200)

function addedFiles(
  overlay: CacheOverlay | undefined,
  onProblem: (sentence: string) => void,
): {
  open(place: CachePlace): Promise<CacheFile | null>
  save(place: CachePlace, input: PythonDict, reply: PythonDict): Promise<void>
} {
  const open = new Map<string, Promise<CacheFile | null>>()
  /** Files that hold something else: they are neither read nor written over. */
  const foreign = new Set<string>()
  const queue = createSerialQueue()
  async function load(path: string): Promise<CacheFile | null> {
    if (!isSafe(path)) {
      foreign.add(path)
      return null
    }
    const text = (await overlay?.read(path)) ?? null
    if (text === null) return null
    const dict = dictOf(text)
    if (dict !== null) return cacheFile(dict)
    foreign.add(path)
    onProblem(
      `New replies, ${path}: expected a JSON object, found JSON that is cut off or malformed. This file is left as it is; replies of its API are not stored.`,
    )
    return null
  }
  const opened = (path: string): Promise<CacheFile | null> => {
    const known = open.get(path) ?? load(path)
    open.set(path, known)
    return known
  }
  return {
    open: (place) => opened(pathOf(place)),
    save: (place, input, reply) =>
      queue.run(async () => {
        const path = pathOf(place)
        const file = (await opened(path)) ?? { replies: new Map(), aliases: new Map() }
        const key = cacheKeyOf(input)
        file.replies.set(key, reply)
        file.aliases.set(canonicalKeyOf(input), key)
        open.set(path, Promise.resolve(file))
        if (!overlay || foreign.has(path)) return
        try {
          await overlay.write(path, dumpsPython(file.replies, { indent: 4 }))
        } catch (error) {
          foreign.add(path)
          onProblem(`New replies, ${path}: ${error instanceof Error ? error.message : String(error)} Replies of its API are not stored.`)
        }
      }),
  }
}
