/**
 * Starts a worker under the content security policy of whoever starts it. A script from a server has the policy of that server's headers, and
 * static servers send none; a script made here has the policy from here.
 * @param script address of the worker's module, on this origin.
 */
export function startWorker(script: string, base: string, name: string): Worker {
  const url = new URL(script, base)
  if (url.origin !== location.origin) throw new Error(`The worker ${name} must come from ${location.origin}, found ${url.origin}.`)
  const made = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)}`], { type: 'text/javascript' }))
  const worker = new Worker(made, { type: 'module', name })
  // The worker's first word means that it has read it.
  worker.addEventListener(
    'message',
    () => {
      URL.revokeObjectURL(made)
    },
    { once: true },
  )
  return worker
}
