import { readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** The environment variable by which every process of a lab is known, whoever its parent became. */
export const LAB_MARK = 'SWARMLOGS_LAB'

/** Kills every process of the lab in `dir`, its containers' too, waits until they are gone and removes their control groups. */
export async function killProcessesOf(dir: string): Promise<void> {
  const containers = containersOf(dir)
  for (let tries = 0; ; tries++) {
    const pids = processIds().filter((pid) => belongs(pid, dir, containers))
    if (pids.length === 0) break
    if (tries === 200) throw new Error(`cannot kill processes ${pids.join(' ')} of ${dir}`)
    for (const pid of pids) kill(pid)
    await delay(25)
  }
  removeControlGroups('/sys/fs/cgroup', containers, 4)
}

/** Sends SIGKILL; a process that is gone already is fine. */
export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isGone(error)) throw error
  }
}

/** Whether a process is there and is not a zombie. */
export function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/stat`)
  return status !== '' && !/^\d+ \(.*\) Z/s.test(status)
}

function belongs(pid: number, dir: string, containers: ReadonlySet<string>): boolean {
  if (pid === process.pid) return false
  if (`\0${read(`/proc/${pid}/environ`)}`.includes(`\0${LAB_MARK}=${dir}\0`)) return true
  // A container's processes have an environment of their own; their control group is named by the container.
  return [...read(`/proc/${pid}/cgroup`).matchAll(/[0-9a-f]{64}/g)].some(([id]) => containers.has(id))
}

/** Ids of all containers that the engines under `dir` know of. */
function containersOf(dir: string): Set<string> {
  return new Set(folders(dir).flatMap((node) => folders(join(dir, node, 'data/containers'))))
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

function removeControlGroups(folder: string, containers: ReadonlySet<string>, depth: number): void {
  if (depth === 0 || containers.size === 0) return
  for (const name of folders(folder)) {
    const path = join(folder, name)
    removeControlGroups(path, containers, containers.has(name) ? 3 : depth - 1)
    if (containers.has(name)) tryRemove(path)
  }
}

function tryRemove(path: string): void {
  for (const name of folders(path)) tryRemove(join(path, name))
  try {
    rmdirSync(path)
  } catch {
    // Still busy or gone already: an empty control group costs nothing.
  }
}

function folders(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH'
}
