import { readFileSync } from 'node:fs'
import type { Program } from '../../lab/program.ts'

const EVERY_MS = 200

/** Watches how much memory a program takes at most, however often it is started anew. */
export class PeakMemory {
  #peakMb = 0
  readonly #timer: NodeJS.Timeout

  constructor(program: () => Program | undefined) {
    this.#timer = setInterval(() => this.#look(program()), EVERY_MS)
  }

  /** MB that were resident at most; 0 when it never ran. */
  get mb(): number {
    return this.#peakMb
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(program: Program | undefined): void {
    const { pid } = program?.child ?? {}
    if (pid !== undefined) this.#peakMb = Math.max(this.#peakMb, memoryMb(pid, 'VmHWM'))
  }
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
