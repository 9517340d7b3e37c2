/** For every GPU test file: a validation error nobody caught fails the test it happened in. */
import { afterEach } from 'vitest'
import { uncaughtErrors } from './gpu'

afterEach(async () => {
  const errors = await uncaughtErrors()
  if (errors.length > 0) throw new Error(`WebGPU reported: ${errors.join('\n')}`)
})
