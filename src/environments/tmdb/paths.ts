/** Calls as `METHOD path-template`, and whether a sequence of them holds the gold path. */

export interface Route {
  readonly method: string
  readonly template: string
}

/** Names of parameters do not count, nor do spaces: `GET /person/{movie_id}/credits ` is `GET /person/{}/credits`. */
export const normalized = (text: string): string =>
  text
    .trim()
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\{[^}]*\}/g, '{}')

export const routeText = ({ method, template }: Route): string => normalized(`${method} ${template}`)

/** `GET https://api.example/3/person/31/movie_credits?page=1` → the template that fits it, one without parameters first; null: none does. */
export function templateOf(method: string, address: string, routes: readonly Route[]): string | null {
  const path = address
    .replace(/^[a-z]+:\/\/[^/]+/, '')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '')
  const fits = ({ template }: Route): boolean => {
    const pattern = template
      .split(/\{[^}]*\}/)
      .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('[^/]+')
    return new RegExp(`${pattern}$`).test(path)
  }
  const parametersIn = ({ template }: Route): number => template.split('{').length
  const found = routes.filter((route) => route.method === method.toUpperCase() && fits(route))
  const [best] = found.sort((a, b) => parametersIn(a) - parametersIn(b) || b.template.length - a.template.length)
  return best?.template ?? null
}

/** The gold path occurs among the calls, in its order; other calls may stand between. */
export function isCorrectPath(gold: readonly string[], calls: readonly string[]): boolean {
  let at = 0
  for (const call of calls) if (call === gold[at]) at++
  return at === gold.length
}
