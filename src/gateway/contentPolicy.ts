/** Content security policies, as headers. The page states its own in index.html, so that it holds on any server; this server says it again for every file. */

/** As index.html has it: scripts and workers of this origin, no images, frames or forms elsewhere. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self' https: http://localhost:* http://127.0.0.1:*; frame-src 'none'; object-src 'none'; form-action 'none'; base-uri 'none'"

const TRUSTED_TYPES = "require-trusted-types-for 'script'; trusted-types default"

/** Of the site's files, worker scripts among them. Only a header can say who may frame a page. */
export const siteHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': `${PAGE_POLICY}; frame-ancestors 'none', ${TRUSTED_TYPES}`,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
}

/** Of what the gateway answers: data for a script that asked, never a document. */
export const gatewayHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}
