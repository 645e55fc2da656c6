import { pipeline } from 'node:stream'
import split from 'split2'
import type { Engine } from './engine.ts'
import { nanosNow } from './gaps.ts'

/** An event of a container. */
export interface ContainerEvent {
  readonly id: string
  readonly name: string
  /** create, start, kill, die, destroy, ... */
  readonly action: string
  /** Of `kill`: the number of the signal. */
  readonly signal: string
  /** The container's labels, name and image. */
  readonly attributes: Readonly<Record<string, string>>
  /** Nanoseconds since 1970, to about a microsecond. */
  readonly time: bigint
}

interface RawEvent {
  readonly Action?: string
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Readonly<Record<string, string>> }
  readonly timeNano?: number
}

/** A longer event is no event of Docker's; its types do not know skipOverflow. */
const LIMITS: split.Options & { readonly skipOverflow: true } = { maxLength: 1024 * 1024, skipOverflow: true }

/** The engine's events from now on, or from `since` on as far as it holds them (256), of one or more types; resolves when they are being sent. */
export async function events(
  engine: Engine,
  types: readonly string[],
  signal: AbortSignal,
  since?: bigint,
): Promise<AsyncIterable<unknown>> {
  const query = { filters: JSON.stringify({ type: types }), ...(since !== undefined && { since: dockerTime(since) }) }
  return eventsBy(engine, query, signal)
}

/** The events that the engine gives for a query. */
export async function eventsBy(
  engine: Engine,
  query: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<AsyncIterable<unknown>> {
  const response = await engine.stream('/events', query, signal)
  const lines = split(LIMITS)
  // Errors of the response come out of `lines`; before anybody reads it they must not be uncaught.
  lines.on('error', () => undefined)
  pipeline(response, lines, () => undefined)
  return parsed(lines)
}

/** Events of containers; those after `since` that the engine still holds come first. */
export async function containerEvents(
  engine: Engine,
  signal: AbortSignal,
  since?: bigint,
): Promise<AsyncIterable<ContainerEvent>> {
  return described(await events(engine, ['container'], signal, since), since ?? 0n)
}

/** As the engine takes times: seconds, a point, nine digits. */
export function dockerTime(nanos: bigint): string {
  return `${nanos / 1_000_000_000n}.${String(nanos % 1_000_000_000n).padStart(9, '0')}`
}

async function* parsed(lines: AsyncIterable<string>): AsyncGenerator<unknown> {
  for await (const line of lines) if (line !== '') yield JSON.parse(line)
}

async function* described(all: AsyncIterable<unknown>, after: bigint): AsyncGenerator<ContainerEvent> {
  for await (const event of all) {
    const { Action, Actor, timeNano } = event as RawEvent
    const attributes = Actor?.Attributes ?? {}
    const { name = '', signal = '' } = attributes
    const time = timeNano === undefined ? nanosNow() : BigInt(timeNano)
    // The engine's `since` is inclusive.
    if (Action && Actor?.ID && time > after) yield { id: Actor.ID, name, action: Action, signal, attributes, time }
  }
}
