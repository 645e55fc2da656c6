import { readFileSync } from 'node:fs'
import type { Program } from '../../lab/program.ts'

const EVERY_MS = 200

/** Watches how much memory a program takes, however often it is started anew. */
export class Memory {
  #peakMb = 0
  /** What it had, all the while. */
  readonly #seenMb: number[] = []
  readonly #timer: NodeJS.Timeout

  constructor(program: () => Program | undefined) {
    this.#timer = setInterval(() => this.#look(program()), EVERY_MS)
  }

  /** MB that were resident at most; 0 when it never ran. */
  get mb(): number {
    return this.#peakMb
  }

  /** The median of the last third of all that time to that of the third before. */
  get growth(): number {
    const third = Math.floor(this.#seenMb.length / 3)
    return median(this.#seenMb.slice(-third)) / median(this.#seenMb.slice(-2 * third, -third))
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(program: Program | undefined): void {
    const { pid } = program?.child ?? {}
    const seenMb = pid === undefined ? 0 : memoryMb(pid, 'VmRSS')
    if (pid === undefined || seenMb === 0) return
    this.#peakMb = Math.max(this.#peakMb, memoryMb(pid, 'VmHWM'))
    this.#seenMb.push(seenMb)
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
}

/** Memory of a process in MB, as /proc names it: VmRSS is what it has now, VmHWM what it had at most; 0 when it is gone. */
export function memoryMb(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Math.round(Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  } catch {
    return 0
  }
}
