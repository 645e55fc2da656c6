const SCALAR = 0
const STR = 1
const BIN = 2
const EXT = 3
const ARRAY = 4
const MAP = 5
const INVALID = 6

/** What a first byte announces, as numbers: these are looked up once per value. */
export const KINDS = { SCALAR, STR, BIN, EXT, ARRAY, MAP, INVALID } as const

/** Kind by first byte. */
export const KIND = new Uint8Array(256)
/** Bytes of the length field behind the first byte (0: the length is in the first byte or fixed). */
export const LENGTH_BYTES = new Uint8Array(256)
/** Payload bytes (scalar, str, ext: fixed part) or elements (array, map: pairs) that the first byte itself says. */
export const FIXED = new Uint8Array(256)

function define(first: number, last: number, kind: number, lengthBytes: number, fixed: (byte: number) => number): void {
  for (let byte = first; byte <= last; byte++) {
    KIND[byte] = kind
    LENGTH_BYTES[byte] = lengthBytes
    FIXED[byte] = fixed(byte)
  }
}

define(0x00, 0x7f, SCALAR, 0, () => 0)
define(0x80, 0x8f, MAP, 0, (byte) => byte & 15)
define(0x90, 0x9f, ARRAY, 0, (byte) => byte & 15)
define(0xa0, 0xbf, STR, 0, (byte) => byte & 31)
define(0xc0, 0xc0, SCALAR, 0, () => 0)
define(0xc1, 0xc1, INVALID, 0, () => 0)
define(0xc2, 0xc3, SCALAR, 0, () => 0)
define(0xc4, 0xc6, BIN, 0, () => 0)
// The type byte of an ext counts as payload here.
define(0xc7, 0xc9, EXT, 0, () => 1)
define(0xca, 0xca, SCALAR, 0, () => 4)
define(0xcb, 0xcb, SCALAR, 0, () => 8)
define(0xcc, 0xcf, SCALAR, 0, (byte) => 1 << (byte - 0xcc))
define(0xd0, 0xd3, SCALAR, 0, (byte) => 1 << (byte - 0xd0))
define(0xd4, 0xd8, EXT, 0, (byte) => 1 + (1 << (byte - 0xd4)))
define(0xd9, 0xdb, STR, 0, () => 0)
define(0xdc, 0xdd, ARRAY, 0, () => 0)
define(0xde, 0xdf, MAP, 0, () => 0)
define(0xe0, 0xff, SCALAR, 0, () => 0)
for (const first of [0xc4, 0xc7, 0xd9]) for (let i = 0; i < 3; i++) LENGTH_BYTES[first + i] = 1 << i
for (const first of [0xdc, 0xde]) for (let i = 0; i < 2; i++) LENGTH_BYTES[first + i] = 2 << i

/** The number that a header at `at` declares: payload bytes behind the header, elements of an array, pairs of a map. */
export function declared(buffer: Uint8Array, at: number): number {
  const byte = buffer[at] ?? 0
  const fixed = FIXED[byte] ?? 0
  switch (LENGTH_BYTES[byte]) {
    case 0:
      return fixed
    case 1:
      return fixed + (buffer[at + 1] ?? 0)
    case 2:
      return fixed + (((buffer[at + 1] ?? 0) << 8) | (buffer[at + 2] ?? 0))
    default:
      return (
        fixed +
        (buffer[at + 1] ?? 0) * 0x1000000 +
        (((buffer[at + 2] ?? 0) << 16) | ((buffer[at + 3] ?? 0) << 8) | (buffer[at + 4] ?? 0))
      )
  }
}
