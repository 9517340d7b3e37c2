/** Nested plain data as YAML 1.1, which PyYAML reads: maps by indentation, scalars and lists in JSON's form. */
export function yamlText(value: Readonly<Record<string, unknown>>, indent = ''): string {
  return Object.entries(value)
    .map(([key, inner]) => {
      const isMap = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      return isMap ? `${indent}${key}:\n${yamlText({ ...inner }, `${indent}  `)}` : `${indent}${key}: ${scalarText(inner)}\n`
    })
    .join('')
}

function scalarText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(scalarText).join(', ')}]`
  // YAML 1.1 knows an exponent only after a point and with a sign: 1e-7 would be text.
  if (typeof value === 'number')
    return String(value).replace(
      /^(-?\d+)(\.\d+)?e([-+])/,
      (_, whole: string, part = '.0', sign: string) => `${whole}${String(part)}e${sign}`,
    )
  return JSON.stringify(value)
}
