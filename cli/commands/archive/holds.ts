import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Flags } from '../../../shared/settings.ts'
import { Client } from '../../client.ts'
import { clientConfig } from '../../config.ts'
import { counted } from '../../output/counted.ts'
import { daysFrom, parseDays, readDays } from './days.ts'

/** `archive keep`. */
export async function keep(args: readonly string[], flags: Flags): Promise<void> {
  if (args.length === 0)
    throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot keep nothing: give days, or the file of an incident')
  const given = flags.reason === undefined ? undefined : String(flags.reason)
  const wishes = await Promise.all(args.map(async (text) => wishOf(text)))
  const client = new Client(clientConfig(flags))
  const reasons = new Map(wishes.flatMap(({ days, reason }) => days.map((day) => [day, given ?? reason])))
  for (const [day, reason] of reasons) {
    const body = JSON.stringify({ reason })
    await client.send('PUT', `api/v1/archive/${day}/hold`, { body, type: 'application/json' })
  }
  process.stdout.write(`${counted(reasons.size, 'day')} on hold: ${rangeText([...reasons.keys()].sort())}\n`)
}

/** `archive release`. */
export async function release(args: readonly string[], flags: Flags): Promise<void> {
  const days = readDays(args)
  if (days.length === 0) throw new SwarmlogsError('SWARMLOGS_USAGE', 'cannot release nothing: give days')
  const client = new Client(clientConfig(flags))
  for (const day of days) await client.send('DELETE', `api/v1/archive/${day}/hold`)
  process.stdout.write(`${counted(days.length, 'day')} released: ${rangeText(days)}\n`)
}

/** The days that a text stands for: days, or the file of an incident, whose name is the reason. */
async function wishOf(text: string): Promise<{ readonly days: readonly string[]; readonly reason: string }> {
  const days = parseDays(text)
  if (days !== undefined) return { days, reason: '' }
  const { Bundle } = await import('../../../server/bundle/read.ts')
  const bundle = await Bundle.open(text)
  try {
    const { since, until, name } = bundle.manifest
    const ms = (time: bigint): number => Number(time / 1_000_000n)
    return { days: daysFrom(ms(BigInt(since)), ms(BigInt(until) - 1n), text), reason: `incident ${name}` }
  } finally {
    await bundle.close()
  }
}

function rangeText(days: readonly string[]): string {
  return days.length > 1 ? `${days[0]} to ${days.at(-1)}` : (days[0] ?? '')
}
