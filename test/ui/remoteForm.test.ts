/** The form for models elsewhere: which host it names, and a token that never follows to another. */
import { expect, test } from 'vitest'
import { changed, hostOf, HUB } from '../../src/ui/models/remoteForm'

const form = { where: 'a/b', hub: HUB, token: 'hf_x' }

test.each([
  [{ where: 'a/b', hub: HUB }, 'huggingface.co'],
  [{ where: '', hub: '' }, 'huggingface.co'],
  [{ where: 'a/b', hub: 'http://localhost:8000' }, 'localhost:8000'],
  [{ where: ' https://example.org/m ', hub: HUB }, 'example.org'],
  [{ where: 'https://', hub: HUB }, null],
])('%j names %s', (typed, host) => {
  expect(hostOf(typed)).toBe(host)
})

test('the token stays with its host', () => {
  expect(changed(form, { where: 'a/c@v1' })).toEqual({ ...form, where: 'a/c@v1' })
  expect(changed(form, { where: '' }).token).toBe('hf_x')
  expect(changed(form, { where: 'https://example.org/m' }).token).toBe('')
  expect(changed(form, { hub: 'https://mirror.example' }).token).toBe('')
  // Letter by letter, or by way of nothing, too.
  const steps = ['', 'https:/', 'https://', 'https://e', 'https://evil.example/m']
  expect(steps.reduce((now, where) => changed(now, { where }), form).token).toBe('')
  expect(changed(form, { token: 'hf_y' }).token).toBe('hf_y')
})
