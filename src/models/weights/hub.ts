/**
 * Models on the Hugging Face Hub, or a server with its layout: `{endpoint}/api/models/{repo}/revision/{revision}` names the commit
 * and its files, `{endpoint}/{repo}/resolve/{commit}/{file}` has them. The commit is pinned when a model is opened: a branch
 * that moves afterwards changes nothing. Source: huggingface_hub `HfApi.model_info`, `hf_hub_url`, `validate_repo_id`.
 */
import { z } from 'zod'
import { type ByteSource, CheckpointError, type FolderSource, parseJson } from './byteSource'
import { cachedSource, type PieceStore } from './cachedSource'
import { createHttpClient, type HttpClient, type HttpParts, readBody } from './httpClient'
import { folderAddress, httpSource, openUrl } from './httpSource'

export const HUB_ENDPOINT = 'https://huggingface.co'

export interface HubModel {
  /** `owner/name`. */
  readonly repo: string
  /** Branch, tag or commit. */
  readonly revision: string
}

export interface HubFolder extends FolderSource {
  readonly repo: string
  /** The commit that `revision` stood for. */
  readonly commit: string
}

const COMMIT = /^[0-9a-f]{40}$/
const LISTING_LIMIT_BYTES = 16 << 20

const listingSchema = z.object({
  sha: z.string().regex(COMMIT),
  siblings: z.array(z.object({ rfilename: z.string(), size: z.int().nonnegative().nullish() })),
})
type Listing = z.output<typeof listingSchema>

/** `owner/name` or `owner/name@revision`; the revision is `main` unless given. Throws CheckpointError for what the Hub cannot have. */
export function parseHubModel(text: string): HubModel {
  const [, repo = '', revision = 'main'] = /^([^@]*)(?:@(.*))?$/s.exec(text) ?? []
  const fail = (expected: string): never => {
    throw new CheckpointError(`${JSON.stringify(text)} names no model of the Hub: expected ${expected}.`)
  }
  const parts = repo.split('/')
  const isPart = (part: string): boolean => /^[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?$/.test(part) && !/--|\.\./.test(part)
  if (parts.length !== 2 || repo.length > 96 || !parts.every(isPart) || repo.endsWith('.git'))
    fail('owner/name of letters, digits, "-", "_" and ".", at most 96 characters')
  // Git's rule for references, narrowed.
  if (!/^[\w][\w./-]{0,199}$/.test(revision) || revision.includes('..')) fail('a branch, tag or commit after "@"')
  return { repo, revision }
}

export interface HubOptions {
  /** Of a mirror; the Hub's own unless given. */
  readonly endpoint?: string | undefined
  /** Where fetched pieces and the commit's list of files are kept. */
  readonly pieces?: PieceStore | null
}

/**
 * Finds the commit and its files; contents are fetched when they are read. A commit whose list is kept is opened without asking.
 * Throws CheckpointError: no such model or revision, access refused, server out of reach.
 */
export async function openHubModel(
  { repo, revision }: HubModel,
  parts: HttpParts,
  { endpoint = HUB_ENDPOINT, pieces = null }: HubOptions = {},
): Promise<HubFolder> {
  const base = folderAddress(endpoint)
  const client = createHttpClient(parts)
  const name = `${repo}@${revision}`
  const listingKey = `listing-${new URL(base).host}-${repo}-`
  const known = pieces && COMMIT.test(revision) ? await keptListing(pieces, listingKey + revision) : null
  const listing =
    known ?? (await fetchListing(`${base}api/models/${repo}/revision/${encodeURIComponent(revision)}?blobs=true`, name, client))
  const { sha: commit, siblings } = listing
  if (COMMIT.test(revision) && commit !== revision) throw new CheckpointError(`${name}: expected commit ${revision}, found ${commit}.`)
  if (!known) await pieces?.write(listingKey + commit, new TextEncoder().encode(JSON.stringify(listing)))

  // A model is what lies at the top; folders hold the same in other formats.
  const sizes = new Map(
    siblings.filter(({ rfilename }) => !rfilename.includes('/')).map(({ rfilename, size }) => [rfilename, size ?? null]),
  )
  const opened = new Map<string, Promise<ByteSource | null>>()
  async function open(file: string): Promise<ByteSource | null> {
    const size = sizes.get(file)
    if (size === undefined) return null
    const url = `${base}${repo}/resolve/${commit}/${encodeURIComponent(file)}`
    const source = size === null ? ((await openUrl(url, client))?.source ?? null) : httpSource(url, size, client)
    return source && (pieces ? cachedSource(source, url, pieces) : { ...source, identity: url })
  }
  return {
    repo,
    commit,
    name,
    names: () => Promise.resolve([...sizes.keys()]),
    open: (file) => {
      const source = opened.get(file) ?? open(file)
      opened.set(file, source)
      source.catch(() => opened.delete(file))
      return source
    },
  }
}

async function fetchListing(url: string, name: string, client: HttpClient): Promise<Listing> {
  return client.retrying(name, async () => {
    const { response } = await client.get(url)
    if (!response.ok) throw await client.refusal(name, response)
    const bytes = await readBody(response, LISTING_LIMIT_BYTES)
    if (!bytes) throw new CheckpointError(`${name}: expected a list of files of at most ${LISTING_LIMIT_BYTES} bytes`)
    const parsed = listingSchema.safeParse(parseJson(new TextDecoder().decode(bytes), `${name} (list of files)`))
    if (!parsed.success)
      throw new CheckpointError(`${name}: expected the Hub's list of files {sha, siblings: [{rfilename, size}]}, found other JSON`)
    return parsed.data
  })
}

/** A damaged entry, or one of another program, is fetched again. */
async function keptListing(pieces: PieceStore, key: string): Promise<Listing | null> {
  const bytes = await pieces.read(key).catch(() => null)
  return bytes && (listingSchema.safeParse(parseJson(new TextDecoder().decode(bytes), key)).data ?? null)
}
