/** Why no answer came. Node names the cause of a failed request; a browser tells a page nothing, because the answer may belong to another site. */

export interface ConnectionFailure {
  /** Node's code, such as ECONNREFUSED; null where none is known. */
  readonly code: string | null
  /** True in a browser: the server may be there and not allow this page to read it (CORS). */
  readonly mayBeCors: boolean
}

export function connectionFailure(error: unknown): ConnectionFailure {
  const cause = error instanceof Error ? error.cause : undefined
  const code = codeOf(cause) ?? codeOf(error)
  return { code, mayBeCors: code === null && !(cause instanceof Error) }
}

/** Only codes are repeated, because Node's messages may quote headers. */
function codeOf(error: unknown): string | null {
  // Of several addresses of one name, each fails by itself.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error
  const code = first instanceof Error && 'code' in first ? first.code : null
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : null
}

const MEANINGS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing answers at this address and port',
  ENOTFOUND: 'there is no computer of this name',
  EAI_AGAIN: 'the name could not be looked up',
  ECONNRESET: 'the other side closed the connection',
  ETIMEDOUT: 'no answer within the time allowed',
  UND_ERR_CONNECT_TIMEOUT: 'no answer within the time allowed',
  UND_ERR_SOCKET: 'the other side closed the connection',
  EHOSTUNREACH: 'no route leads there',
  ENETUNREACH: 'no network leads there',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself; NODE_EXTRA_CA_CERTS may name one to trust',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its certificate is signed by an authority this computer does not know; NODE_EXTRA_CA_CERTS may name one to trust',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is signed by an authority this computer does not know; NODE_EXTRA_CA_CERTS may name one to trust',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** ": nothing answers at this address and port (ECONNREFUSED)", or '' where the cause is not known. */
export function causeText({ code }: ConnectionFailure): string {
  if (code === null) return ''
  const meaning = MEANINGS[code]
  return meaning === undefined ? ` (${code})` : `: ${meaning} (${code})`
}
