import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createRng } from '../../src/base/random'
import { Sha256, sha256 } from '../../src/base/sha256'

// FIPS 180-4 and NIST's long message.
test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  ['abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq', '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
])('known answer for %j', (text, hex) => {
  expect(sha256(text)).toBe(hex)
})

test('a million a', () => {
  expect(sha256('a'.repeat(1_000_000))).toBe('cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0')
})

test('agrees with node:crypto on every length around a block, in any pieces', () => {
  const rng = createRng(1)
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, () => rng.int(256))
    const expected = createHash('sha256').update(bytes).digest('hex')
    const cut = rng.int(length + 1)
    expect(new Sha256().update(bytes.subarray(0, cut)).update(bytes.subarray(cut)).hex()).toBe(expected)
  }
})

test('text is hashed as UTF-8', () => {
  expect(sha256('Zoë 語 🙂')).toBe(createHash('sha256').update('Zoë 語 🙂').digest('hex'))
})
