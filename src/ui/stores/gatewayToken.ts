/**
 * The token of Hone's gateway. `npm start` prints the page's address with `#token=…` behind it: the part after `#` is sent to no server.
 * It is taken out of the address at once and kept for as long as the tab.
 */
const KEY = 'hone-gateway-token'
const IN_ADDRESS = /^#\/?token=([\w-]{16,})$/

let inMemory: string | null = null

/** The token, or null where the page was opened without. */
export function gatewayToken(): string | null {
  return inMemory ?? stored()
}

/** Call it before anything reads the address. Later ones are taken too: people paste into the address bar of an open page. */
export function watchForGatewayToken(): void {
  take()
  // Before the router hears of it.
  addEventListener('hashchange', take, { capture: true })
}

function take(): void {
  const token = IN_ADDRESS.exec(location.hash)?.[1]
  if (token === undefined) return
  inMemory = token
  try {
    sessionStorage.setItem(KEY, token)
  } catch {
    // Storage may be closed to this page: the token lasts until it is reloaded.
  }
  history.replaceState(history.state, '', '#/')
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** Where the gateway answers: the server of this page, or the one of `npm start` beside a page from elsewhere. */
export function gatewayAddress(page: Pick<Location, 'origin' | 'hostname' | 'protocol'>): string {
  const isServed = page.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(page.hostname)
  return `${isServed ? page.origin : 'http://localhost:4180'}/gateway/v1`
}
