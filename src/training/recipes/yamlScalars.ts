/**
 * Plain scalars as PyYAML's `safe_load` reads them, which reads the recipes of trl and, under OmegaConf, those of verl and ArCHer: YAML 1.1, where
 * yes and off are truth values, 017 is octal and 1:30 is 90. Beyond it, text that is a decimal number is one: `1e-5` is text to PyYAML, but
 * trl's argument parser and OmegaConf make the number of it that was meant. Dates stay text, because no setting is one.
 */
/** A scalar tag of the package `yaml`. */
interface ScalarTag {
  readonly tag: string
  readonly default: true
  readonly test: RegExp
  readonly resolve: (text: string) => unknown
}

const withoutSpacing = (text: string): string => text.replaceAll('_', '')

/** Digits in base 60, as 1:30. */
const sexagesimal = (text: string): number =>
  text
    .replace(/^[-+]/, '')
    .split(':')
    .reduce((sum, part) => sum * 60 + Number(part), 0) * (text.startsWith('-') ? -1 : 1)

function integer(source: string): number {
  const text = withoutSpacing(source)
  if (text.includes(':')) return sexagesimal(text)
  const sign = text.startsWith('-') ? -1 : 1
  const digits = text.replace(/^[-+]/, '')
  if (/^0[xb]/.test(digits)) return sign * Number(digits)
  return sign * (/^0[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : Number(digits))
}

function float(source: string): number {
  const text = withoutSpacing(source).toLowerCase()
  if (text.endsWith('.nan')) return Number.NaN
  if (text.endsWith('.inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return text.includes(':') ? sexagesimal(text) : Number(text)
}

const scalar = (tag: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag => ({
  ...{ tag: `tag:yaml.org,2002:${tag}`, default: true, test, resolve },
})

/** In the order in which they are tried, over strings alone. */
export const pyYamlScalars: readonly ScalarTag[] = [
  scalar('null', /^(?:~|null|Null|NULL|)$/, () => null),
  scalar('bool', /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, (text) =>
    /^(?:yes|true|on)$/i.test(text),
  ),
  scalar(
    'int',
    /^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
    integer,
  ),
  scalar(
    'float',
    /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
    float,
  ),
  scalar('float', /^[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$/, Number),
]
