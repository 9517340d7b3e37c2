/**
 * Invented names. A name is two or three syllables, and every syllable is one token wherever it stands, so copying a name
 * is copying two or three ids. All uses of the world share the syllables and none shares a name with another.
 */
import type { Rng } from '../../base/random'

export const firstSyllables: readonly string[] = [
  'Ba',
  'Bo',
  'Da',
  'Do',
  'Du',
  'Ga',
  'Go',
  'Ka',
  'Ko',
  'Ku',
  'La',
  'Lo',
  'Lu',
  'Ma',
  'Mo',
  'Na',
  'No',
  'Pa',
  'Po',
  'Ra',
  'Ro',
  'Ru',
  'Sa',
  'So',
  'Ta',
  'To',
  'Va',
  'Vo',
  'Za',
  'Zo',
]
export const laterSyllables: readonly string[] = [
  'bu',
  'da',
  'du',
  'gu',
  'ja',
  'jo',
  'ju',
  'ka',
  'ki',
  'ku',
  'lu',
  'mu',
  'nu',
  'pu',
  'ru',
  'su',
  'tu',
  'va',
  'vo',
  'vu',
  'xa',
  'xi',
  'xo',
  'xu',
  'za',
  'zi',
  'zo',
  'zu',
  'bi',
  'gi',
]

/** Syllables of an invented name; null for any other text. */
export function syllablesOf(name: string): string[] | null {
  const pieces = name.match(/../g) ?? []
  const [first, ...rest] = pieces
  if (first === undefined || pieces.join('') !== name || rest.length < 1 || rest.length > 2) return null
  if (!firstSyllables.includes(first) || rest.some((piece) => !laterSyllables.includes(piece))) return null
  return pieces
}

export function randomName(rng: Rng): string {
  const second = rng.pick(laterSyllables)
  const name = rng.pick(firstSyllables) + second
  return rng.chance(0.5) ? name : name + rng.pick(laterSyllables)
}

/** A name that is not in `taken`, and is added to it. */
export function freshName(rng: Rng, taken: Set<string>): string {
  for (;;) {
    const name = randomName(rng)
    if (taken.has(name)) continue
    taken.add(name)
    return name
  }
}
