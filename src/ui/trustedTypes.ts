/**
 * The default Trusted Types policy, made before anything else runs. Text never becomes markup: a string that holds `<` is refused
 * (Mantine's style rules, the only innerHTML here, hold none), and scripts and workers come from this origin only.
 */
interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createHTML: (input: string) => string; createScriptURL: (input: string) => string }): unknown
}
declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypesFactory
  }
}

window.trustedTypes?.createPolicy('default', {
  createHTML(input) {
    if (input.includes('<')) throw new TypeError('Markup from text is refused.')
    return input
  },
  createScriptURL(input) {
    const url = new URL(input, document.baseURI)
    if (url.origin !== location.origin) throw new TypeError(`A script from ${url.origin} is refused.`)
    return url.href
  },
})

// zod probes `new Function` unless it is configured not to; the policy above refuses it, and the console would show a violation.
Object.assign(globalThis, { __zod_globalConfig: { jitless: true } })

export {}
