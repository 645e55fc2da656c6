import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Source } from '../../../shared/record.ts'
import type { Printed } from '../../lab/account.ts'
import { BUSYBOX_IMAGE } from '../../lab/busybox.ts'
import type { Engine } from '../../lab/engine.ts'
import { nanoseconds } from './stored.ts'

const BURST = 10

/** How fast a printer is and how it runs. */
export interface PrinterOptions {
  /** Lines of each source between two pauses. */
  readonly burst?: number
  readonly pauseMs?: number
  /** It ends by itself after so many lines of each source; without it, when all are told to. */
  readonly lines?: number
  /** Further flags of `docker run`. */
  readonly flags?: readonly string[]
  /** It is killed on the way, so that only Docker knows what it printed. */
  readonly isKilled?: boolean
}

/** Containers that print numbered lines to both sources at once until they are told to stop, and what they printed. */
export class Printers {
  readonly #engine: Engine
  /** Mounted into every container: `stop` tells all to end, `NAME` says how many lines of each source there are, `NAME.times` when each burst began. */
  readonly #dir: string
  /** What those printed that were removed. */
  readonly #retired = new Map<string, Printed>()
  readonly #started = new Map<string, PrinterOptions & { readonly born: bigint }>()

  constructor(engine: Engine, dir: string) {
    this.#engine = engine
    this.#dir = dir
  }

  get names(): readonly string[] {
    return [...this.#started.keys()]
  }

  /** Those that were not removed. */
  get running(): readonly string[] {
    return this.names.filter((name) => !this.#retired.has(name))
  }

  /** Starts a container of that name. */
  async start(name: string, options: PrinterOptions = {}): Promise<void> {
    this.#started.set(name, { ...options, born: BigInt(Date.now()) * 1_000_000n })
    await this.#engine.docker([
      ...['run', '-d', '--name', name, '--network', 'none', '--stop-timeout', '0', '-v', `${this.#dir}:/ledger`],
      ...(options.flags ?? []),
      ...[BUSYBOX_IMAGE, 'sh', '-c', script(name, options)],
    ])
  }

  /** Has all of them end, and waits until they have. */
  async stop(): Promise<void> {
    writeFileSync(join(this.#dir, 'stop'), '')
    const lasting = this.running.filter((name) => !this.#started.get(name)?.flags?.includes('--rm'))
    if (lasting.length > 0) await this.#engine.docker(['wait', ...lasting])
  }

  /** Kills a container and answers what it printed, of which it can be removed. */
  async retire(name: string): Promise<Printed> {
    await this.#engine.docker(['kill', name])
    const kept = await this.#kept(name)
    this.#retired.set(name, kept)
    return kept
  }

  /** When a container was started first, nanoseconds since 1970. */
  born(name: string): bigint {
    return this.#started.get(name)?.born ?? 0n
  }

  /** What a container printed; it has ended. */
  async printed(name: string): Promise<Printed> {
    const { isKilled, burst = BURST } = this.#started.get(name) ?? {}
    if (isKilled) return this.#retired.get(name) ?? this.#kept(name)
    const count = Number(readFileSync(join(this.#dir, name), 'utf8'))
    const bursts = timesIn(readFileSync(join(this.#dir, `${name}.times`), 'utf8'))
    const times = Array.from({ length: count }, (_, i) => bursts[Math.floor(i / burst)] ?? 0n)
    const side = (source: Source, factor: number) => ({
      lines: Array.from({ length: count }, (_, i) => `${name} ${source} ${i} payload-${(i * factor) % 10007}`),
      times,
    })
    return { stdout: side('stdout', 7919), stderr: side('stderr', 104729) }
  }

  /** Removes the containers and what they wrote. */
  async remove(): Promise<void> {
    const ids = (await this.#engine.docker(['ps', '-aq'])).split('\n').filter(Boolean)
    if (ids.length > 0) await this.#engine.docker(['rm', '-f', ...ids])
    this.#started.clear()
    this.#retired.clear()
    if (existsSync(this.#dir)) for (const file of readdirSync(this.#dir)) rmSync(join(this.#dir, file))
  }

  /** What Docker still holds of a container, in the order of its log. */
  async #kept(name: string): Promise<Printed> {
    const path = (await this.#engine.docker(['inspect', '-f', '{{.LogPath}}', name])).trim()
    // Files that were rotated have a number, the oldest the greatest.
    const files = readdirSync(dirname(path)).filter((file) => file.startsWith(basename(path)))
    const oldestFirst = files.toSorted((a, b) => numberOf(b) - numberOf(a))
    return heldIn(oldestFirst.flatMap((file) => readFileSync(join(dirname(path), file), 'utf8').split('\n')))
  }
}

function numberOf(file: string): number {
  return Number(/\.(\d+)$/.exec(file)?.[1] ?? 0)
}

/** The lines in a log of Docker's, with the times that it gave them. */
export function heldIn(log: readonly string[]): Printed {
  const side = () => ({ lines: [] as string[], times: [] as bigint[] })
  const held = { stdout: side(), stderr: side() }
  for (const text of log) {
    if (text === '') continue
    const { log: line, stream, time } = JSON.parse(text) as { log: string; stream: Source; time: string }
    held[stream].lines.push(line.trimEnd())
    held[stream].times.push(nanoseconds(time))
  }
  return held
}

/** Times that a shell wrote, one a line: seconds with six decimals. */
export function timesIn(text: string): bigint[] {
  const times = text.split('\n').filter(Boolean)
  return times.map((time) => BigInt(time.replace('.', '')) * 1_000n)
}

function script(name: string, { burst = BURST, pauseMs = 20, lines = 1_000_000_000 }: PrinterOptions): string {
  const pause = pauseMs === 0 ? '' : `[ $i -gt 0 ] && usleep ${pauseMs * 1000};`
  const begin = `[ $((i % ${burst})) -eq 0 ] && { ${pause} echo $EPOCHREALTIME >>/ledger/${name}.times; };`
  const both = `echo "${name} stdout $i payload-$((i * 7919 % 10007))"; echo "${name} stderr $i payload-$((i * 104729 % 10007))" >&2;`
  return `i=0; while [ $i -lt ${lines} ] && [ ! -e /ledger/stop ]; do ${begin} ${both} i=$((i + 1)); done; echo $i >/ledger/${name}`
}
