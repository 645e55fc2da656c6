import type { Check } from '../shared/check.ts'
import type { ExaminedContainer, ExaminedEngine } from '../shared/examined.ts'
import { bytesText } from './output/bytes.ts'
import { counted, named } from './output/counted.ts'

const AHEAD_MS = 1_000
const HOUR = 3_600
const DAY = 86_400
const MIB = 2 ** 20
/** Files that a log is advised to have, and bounds of what they should hold in all. */
const FILES = 3
const LEAST_BYTES = 30 * MIB
const MOST_BYTES = 1024 * MIB

/** How many bytes a second a container adds to its log; undefined where that is not known. */
export type RateOf = (containerId: string) => number | undefined

/** What is well and what is not about an engine and about how its containers log. */
export function dockerChecks(engine: ExaminedEngine, rateOf: RateOf): Check[] {
  const { containers, running, version, api, host } = engine
  return [
    ok('socket', `the engine at ${host} answers`),
    ok('engine', `it is ${version} and speaks API ${api}`),
    clockCheck(engine),
    ...driverChecks(containers, running),
    ...rotationChecks(containers, rateOf),
  ]
}

const ok = (name: string, text: string): Check => ({ part: 'docker', name, state: 'ok', text })
const warning = (name: string, text: string, remedy: string): Check => ({
  ...{ part: 'docker', name, state: 'warning', text, remedy },
})

function clockCheck({ aheadMs }: ExaminedEngine): Check {
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1)
  if (Math.abs(aheadMs) <= AHEAD_MS) return ok('clock', "the engine's clock agrees with this machine's")
  const text = `the engine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`
  return warning('clock', text, 'set both by NTP (chrony)')
}

function driverChecks(containers: readonly ExaminedContainer[], running: number): Check[] {
  const checks: Check[] = []
  const unreadable = containers.filter((one) => !one.isReadable)
  const lossy = containers.filter(({ isReadable, loss }) => isReadable && loss !== '')
  if (unreadable.length > 0) {
    const text = `the engine keeps no lines of ${named(unreadable.map(({ name, driver }) => `${name} (${driver})`))}`
    const remedy = 'log with json-file, local or journald, or leave the engine its copy (no cache-disabled)'
    checks.push(warning('drivers', text, remedy))
  }
  if (lossy.length > 0) {
    const text = `the driver may drop lines of ${named(lossy.map(({ name, loss }) => `${name} (${loss})`))}`
    checks.push(warning('lossy', text, 'log with json-file or local, mode=blocking'))
  }
  if (checks.length > 0) return checks
  const examined = containers.length < running ? ` (${containers.length} were looked at)` : ''
  return [ok('drivers', `the lines of ${counted(running, 'running container')} can be read${examined}`)]
}

/** An agent that is away for an hour must not lose lines to rotation, and a log must not fill the disk. */
function rotationChecks(containers: readonly ExaminedContainer[], rateOf: RateOf): Check[] {
  const readable = containers.filter(({ isReadable }) => isReadable)
  const unbounded = readable.filter(({ keptBytes }) => keptBytes === undefined)
  const short = readable.filter(({ id, keptBytes = Number.POSITIVE_INFINITY }) => keptBytes < (rateOf(id) ?? 0) * HOUR)
  const checks: Check[] = []
  if (unbounded.length > 0) {
    const list = named(byRate(unbounded, rateOf).map((one) => `${one.name} (${needText(rateOf(one.id))})`))
    const remedy = 'give log-opts max-size and max-file, best for all in daemon.json, and make the containers anew'
    checks.push(warning('rotation', `never rotated are the logs of ${list}`, remedy))
  }
  if (short.length > 0) {
    const list = named(byRate(short, rateOf).map((one) => `${one.name} (${shortText(one, rateOf(one.id) ?? 0)})`))
    checks.push(warning('rotation', `less than an hour of lines is kept of ${list}`, 'raise max-size or max-file'))
  }
  return checks.length > 0 ? checks : [ok('rotation', 'logs are rotated, and hold an hour of lines')]
}

function byRate(containers: readonly ExaminedContainer[], rateOf: RateOf): ExaminedContainer[] {
  return containers.toSorted((a, b) => (rateOf(b.id) ?? 0) - (rateOf(a.id) ?? 0))
}

/** A day of lines, within reason. */
function needText(rate: number | undefined): string {
  const bytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, (rate ?? 0) * DAY))
  const perDay = rate === undefined ? '' : `${bytesText(rate * DAY)} a day, `
  return `${perDay}max-size=${Math.ceil(bytes / FILES / MIB)}m max-file=${FILES}`
}

function shortText({ keptBytes = 0 }: ExaminedContainer, rate: number): string {
  const minutes = Math.max(1, Math.floor(keptBytes / rate / 60))
  return `${bytesText(keptBytes)} are ${counted(minutes, 'minute')}, an hour is ${bytesText(rate * HOUR)}`
}
