/**
 * Reads protocol-buffer messages (https://protobuf.dev/programming-guides/encoding/) field by field, without a schema compiler.
 * Every length is checked against the bytes that are there; an error names the file, the byte, what was expected and what was found.
 */
import { CheckpointError } from '../weights/byteSource'

/** A message: the whole file, or a field's bytes within it. */
export interface ProtobufMessage {
  /** For messages to a person: the file's name. */
  readonly file: string
  readonly bytes: Uint8Array
  /** Offset of `bytes` in the file, in bytes. */
  readonly at: number
}

const WIRE_TYPES = { 0: 'varint', 1: 'fixed64', 2: 'length-delimited', 5: 'fixed32' } as const
type WireType = (typeof WIRE_TYPES)[keyof typeof WIRE_TYPES]

export interface ProtobufField {
  readonly number: number
  readonly wireType: WireType
  /** Empty for a varint. */
  readonly payload: ProtobufMessage
  /** 0 for anything but a varint. */
  readonly varint: bigint
}

export function protobufError({ file, at }: Pick<ProtobufMessage, 'file' | 'at'>, expected: string, found: string): CheckpointError {
  return new CheckpointError(`${file}: byte ${at}: expected ${expected}, found ${found}`)
}

/** Fields in the order of the file. Throws CheckpointError at the first byte that cannot be one. */
export function* readFields(message: ProtobufMessage): Generator<ProtobufField> {
  const { file, bytes, at: base } = message
  let position = 0

  const readVarint = (what: string): bigint => {
    const first = position
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[position]
      const place = { file, at: base + first }
      if (byte === undefined) throw protobufError(place, what, `the end of the data after ${position - first} bytes`)
      if (shift > 63n) throw protobufError(place, `${what} of at most 10 bytes`, 'a longer one')
      position++
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number, number: number): ProtobufMessage => {
    const left = bytes.length - position
    if (length > left)
      throw protobufError({ file, at: base + position }, `${length} bytes of field ${number}`, `${left} before the end of the data`)
    const payload = { file, bytes: bytes.subarray(position, position + length), at: base + position }
    position += length
    return payload
  }

  while (position < bytes.length) {
    const at = base + position
    const tag = readVarint('a field tag')
    const number = Number(tag >> 3n)
    const wireType = wireTypeOf(Number(tag & 7n))
    if (number === 0 || number > 0x1fffffff) throw protobufError({ file, at }, 'a field number from 1 to 536870911', String(number))
    if (!wireType) throw protobufError({ file, at }, 'a field of wire type 0, 1, 2 or 5', `field ${number} of wire type ${tag & 7n}`)
    const empty = { file, bytes: bytes.subarray(0, 0), at }
    if (wireType === 'varint') yield { number, wireType, payload: empty, varint: readVarint(`a varint of field ${number}`) }
    else {
      const length = wireType === 'fixed32' ? 4 : wireType === 'fixed64' ? 8 : Number(readVarint(`the length of field ${number}`))
      yield { number, wireType, payload: take(length, number), varint: 0n }
    }
  }
}

function wireTypeOf(code: number): WireType | null {
  return code === 0 || code === 1 || code === 2 || code === 5 ? WIRE_TYPES[code] : null
}

function require(field: ProtobufField, wireType: WireType, name: string): void {
  if (field.wireType !== wireType)
    throw protobufError(field.payload, `${name} (field ${field.number}) of wire type ${wireType}`, `wire type ${field.wireType}`)
}

/** An int32 or an enum; negative numbers are written as ten bytes. */
export function int32Of(field: ProtobufField, name: string): number {
  require(field, 'varint', name)
  return Number(BigInt.asIntN(32, field.varint))
}

export function boolOf(field: ProtobufField, name: string): boolean {
  require(field, 'varint', name)
  return field.varint !== 0n
}

export function floatOf(field: ProtobufField, name: string): number {
  require(field, 'fixed32', name)
  const { buffer, byteOffset } = field.payload.bytes
  return new DataView(buffer, byteOffset, 4).getFloat32(0, true)
}

export function messageOf(field: ProtobufField, name: string): ProtobufMessage {
  require(field, 'length-delimited', name)
  return field.payload
}

export function stringOf(field: ProtobufField, name: string): string {
  const { file, bytes, at } = messageOf(field, name)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw protobufError({ file, at }, `${name} (field ${field.number}) in UTF-8`, 'other bytes')
  }
}
