/** The default Trusted Types policy of a worker that starts workers: their scripts come from this origin only. */
interface TrustedTypesFactory {
  createPolicy(name: string, rules: { createScriptURL: (input: string) => string }): unknown
}

const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypesFactory }
trustedTypes?.createPolicy('default', {
  createScriptURL(input) {
    const { origin } = new URL(input)
    if (origin !== location.origin) throw new TypeError(`A script from ${origin} is refused.`)
    return input
  },
})

export {}
