import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { pino } from 'pino'
import { Forwarder } from '../../../agent/forwarder.ts'
import { Spool } from '../../../agent/spool.ts'
import { packOption } from '../../../shared/forward/encode.ts'
import { EntryPacker } from '../../../shared/forward/entries.ts'
import { streamOf } from '../../agent/chunks.ts'
import type { Scene } from './scene.ts'

const CONTAINER = 'f'.repeat(64)
const LINES = 5_000
/** What may wait in its spool: it is never without something to send. */
const AHEAD_BYTES = 8 << 20

const silent = pino({ level: 'silent' })

/** Another agent, in this process, that sends as much as the server takes. */
export class Flood {
  readonly #stop = new AbortController()
  readonly #spool: Spool
  readonly #running: Promise<unknown>
  #chunks = 0

  constructor({ dir, stage }: Scene) {
    const state = join(dir, 'flood')
    mkdirSync(state)
    this.#spool = new Spool({ dir: state, maxBytes: AHEAD_BYTES, log: silent })
    const hello = () => ({ format: 1, version: '1', nodeId: 'flood', nodeName: 'flood' })
    const server = { host: '127.0.0.1', port: stage.ports.forward }
    const forwarder = new Forwarder({ server, hello, spool: this.#spool, onStore: () => {}, log: silent })
    this.#running = Promise.all([forwarder.run(this.#stop.signal), this.#fill()])
  }

  /** Ends it; answers how many lines it had for the server. */
  async stop(): Promise<number> {
    this.#stop.abort()
    await this.#running
    this.#spool.close()
    return this.#chunks * LINES
  }

  async #fill(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      // A full spool makes it wait until there is room, or all is over.
      await this.#spool.append(chunkOf(this.#chunks), signal).catch(() => {})
      this.#chunks++
      await new Promise(setImmediate)
    }
  }
}

/** A chunk that nobody sent before, as an agent makes them. */
export function chunkOf(number: number, lines = LINES): Parameters<Spool['append']>[0] {
  const packer = new EntryPacker(1 << 20)
  const seconds = Math.floor(Date.now() / 1000) - 3600 + number
  for (let line = 0; line < lines; line++) {
    const message = Buffer.from(`flood ${number} ${line} GET /api/v1/orders/4711 HTTP/1.1 200 5123 0.042`)
    const rest = { source: 'stdout', ordinal: 0, cutFrom: 0, headMissing: false } as const
    packer.add({ ...rest, seconds, nanos: line, message }, 0)
  }
  return {
    ...{ id: `flood${number}`, records: lines, containers: [CONTAINER], checkpoints: new Map() },
    body: zstdCompressSync(packer.bytes()),
    option: packOption({ format: 1, streams: [streamOf(CONTAINER)] }),
  }
}
