/** A checkpoint whose tensors are found under other names than its files give them. */
import type { TensorInfo, TensorSource } from './safetensors'

/** `nameOf`: the name that a tensor of the files is to have. Error messages name the files' own. */
export function renamedTensors(source: TensorSource, nameOf: (held: string) => string): TensorSource {
  const heldAs = new Map([...source.tensors.keys()].map((held) => [nameOf(held), held]))
  const held = (name: string): string => heldAs.get(name) ?? name
  return {
    ...source,
    tensors: new Map([...heldAs].flatMap(([name, from]) => infoUnder(name, source.tensors.get(from)))),
    info: (name, shape) => source.info(held(name), shape),
    bytes: (name, from, length) => source.bytes(held(name), from, length),
    float32: (name, shape) => source.float32(held(name), shape),
    float32Rows: (name, shape, first, count) => source.float32Rows(held(name), shape, first, count),
  }
}

const infoUnder = (name: string, info: TensorInfo | undefined): [string, TensorInfo][] => (info ? [[name, { ...info, name }]] : [])

const BASE_MODEL = /^(?:embed_tokens|layers|norm)\./

/**
 * Tensors saved from the base model alone (`LlamaModel` and its like) have names without `model.`; transformers finds them all the same, each
 * by itself.
 */
export function withModelPrefix(source: TensorSource): TensorSource {
  const isBare = (name: string): boolean => BASE_MODEL.test(name) && !source.tensors.has(`model.${name}`)
  if (![...source.tensors.keys()].some(isBare)) return source
  return renamedTensors(source, (name) => (isBare(name) ? `model.${name}` : name))
}
