import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { killProcessesOf } from './processes.ts'
import { attempt } from './run.ts'

/** A numbered folder that one engine or one Swarm of the lab lives in; the number makes its network names and addresses unique. */
export interface Place {
  readonly number: number
  readonly dir: string
}

/** The process that a place belongs to: a pid alone would be mistaken for a later process of the same number. */
interface Owner {
  readonly pid: number
  readonly started: string
}

// Every user of the machine sees the same numbers, because bridges and addresses belong to the machine.
const root = join(tmpdir(), 'swarmlogs-lab')
const places = 250

/** Takes a free place for this process, after clearing those whose owner was killed. */
export async function claimPlace(): Promise<Place> {
  await sweep()
  mkdirSync(root, { recursive: true })
  // The owner is written before the place gets its name, so that nobody ever sees a place without one.
  const draft = mkdtempSync(join(root, 'new-'))
  writeOwner(draft, { pid: process.pid, started: startTime(process.pid) ?? '' })
  for (let number = 0; number < places; number++) {
    const dir = join(root, String(number))
    try {
      renameSync(draft, dir)
      return { number, dir }
    } catch {
      // Taken: renaming onto a folder that is not empty fails.
    }
  }
  rmSync(draft, { recursive: true })
  throw new Error(
    `cannot find a free place under ${root}: ${places} labs are up; stop some with test/lab/swarm-lab down`,
  )
}

/** Lets a place outlive this process; only `clearPlace` ends it then. */
export function keepPlace(place: Place): void {
  writeOwner(place.dir, 'kept')
}

/** Every kept place, lowest number first. */
export function keptPlaces(): Place[] {
  return allPlaces().filter((place) => readOwner(place.dir) === 'kept')
}

/** Removes all that lives in a place: processes, containers, control groups, network and files. */
export async function clearPlace(place: Place): Promise<void> {
  await killProcessesOf(place.dir)
  await removeBridge(place)
  rmSync(place.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Every place that this process took and did not keep. */
export function ownPlaces(): Place[] {
  return allPlaces().filter((place) => isOwn(readOwner(place.dir)))
}

/** Clears every place whose owner is gone; names those on stderr. */
export async function sweep(): Promise<void> {
  for (const place of allPlaces()) {
    const owner = readOwner(place.dir)
    if (owner === 'kept' || (owner !== undefined && startTime(owner.pid) === owner.started)) continue
    process.stderr.write(`clearing ${place.dir}, left by a lab that was killed\n`)
    await clearPlace(place)
  }
}

/** The name of a place's network bridge; at most 15 characters, as Linux asks. */
export function bridgeOf(place: Place): string {
  return `br-swarmlogs${place.number}`
}

/** The firewall rules that let nodes talk across their bridge even where Docker, or an admin, set the policy to DROP. */
export function firewallRules(place: Place): string[][] {
  const bridge = bridgeOf(place)
  return [
    ['FORWARD', '-i', bridge, '-o', bridge, '-j', 'ACCEPT'],
    ['INPUT', '-i', bridge, '-j', 'ACCEPT'],
  ]
}

function isOwn(owner: Owner | 'kept' | undefined): boolean {
  return (
    owner !== undefined && owner !== 'kept' && owner.pid === process.pid && owner.started === startTime(process.pid)
  )
}

async function removeBridge(place: Place): Promise<void> {
  if (!existsSync(`/sys/class/net/${bridgeOf(place)}`)) return
  for (const rule of firewallRules(place)) await attempt('iptables', ['-w', '-D', ...rule])
  await attempt('ip', ['link', 'del', bridgeOf(place)])
}

function allPlaces(): Place[] {
  if (!existsSync(root)) return []
  return readdirSync(root)
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ number: Number(name), dir: join(root, name) }))
    .sort((a, b) => a.number - b.number)
}

function writeOwner(dir: string, owner: Owner | 'kept'): void {
  writeFileSync(join(dir, 'owner.json'), JSON.stringify(owner))
}

function readOwner(dir: string): Owner | 'kept' | undefined {
  try {
    return JSON.parse(readFileSync(join(dir, 'owner.json'), 'utf8'))
  } catch {
    return undefined
  }
}

/** When a process started, in a form that a process of another boot cannot share; undefined when it is gone. */
function startTime(pid: number): string | undefined {
  try {
    // The 22nd field; the second one may hold spaces and parentheses.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    if (fields[0] === 'Z') return undefined
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${fields[19]}`
  } catch {
    return undefined
  }
}
