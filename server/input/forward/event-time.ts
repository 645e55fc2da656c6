import { KINDS } from './headers.ts'
import { Extension, type MsgpackReader, type Value } from './reader.ts'

const SCALAR_ALLOWANCE = { keys: 0, values: 0, depth: 0 }
const EVENT_TIME = 0
const EVENT_TIME_BYTES = 8
const NS_PER_SECOND = 1_000_000_000n
/** Seconds beyond it do not fit in 64 bits of nanoseconds. */
const MAX_SECONDS = 9_223_372_036
/** Integers from here on (1973) are milliseconds: fluent-logger sends them with its option `milliseconds`. */
const MIN_MILLIS = 100_000_000_000
const MAX_MILLIS = 1000 * MAX_SECONDS
const NS_PER_MILLI = 1_000_000n
/** Fluent Bit's markers of the start and end of a group of records: -1 and -2 as unsigned seconds. */
const FIRST_MARKER_SECONDS = 0xfffffffe

/** The time of an event: nanoseconds since 1970, `none` when it has no usable one, `marker` when it is no event. */
export type EventTime = bigint | 'none' | 'marker'

/** Reads an event's time: integer seconds, EventTime, or Fluent Bit's `[time, metadata]`, whose metadata goes to `onMetadata`. */
export function readEventTime(reader: MsgpackReader, onMetadata: (metadata: Value) => void): EventTime {
  if (reader.kind !== KINDS.ARRAY) return readPlainTime(reader)
  const elements = reader.arrayLength()
  if (elements === 0) return 'none'
  const time = readPlainTime(reader)
  for (let index = 1; index < elements; index++) onMetadata(reader.value({ keys: 200, values: 1000, depth: 8 }))
  return time
}

function readPlainTime(reader: MsgpackReader): EventTime {
  if (reader.kind !== KINDS.SCALAR && reader.kind !== KINDS.EXT) {
    reader.skip()
    return 'none'
  }
  const value = reader.value({ ...SCALAR_ALLOWANCE })
  if (value instanceof Extension) return timeOfExtension(value)
  if (value === -1 || value === -2) return 'marker'
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) return 'none'
  if (value <= MAX_SECONDS) return BigInt(value) * NS_PER_SECOND
  return value >= MIN_MILLIS && value <= MAX_MILLIS ? BigInt(value) * NS_PER_MILLI : 'none'
}

function timeOfExtension({ type, data }: Extension): EventTime {
  if (type !== EVENT_TIME || data.length !== EVENT_TIME_BYTES) return 'none'
  const seconds = data.readUInt32BE(0)
  const nanos = data.readUInt32BE(4)
  if (seconds >= FIRST_MARKER_SECONDS) return 'marker'
  return seconds === 0 || nanos >= 1_000_000_000 ? 'none' : BigInt(seconds) * NS_PER_SECOND + BigInt(nanos)
}
