import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { Knowledge } from '../../../server/bundle/knowledge.ts'
import { type Saved, saveBundle } from '../../../server/bundle/save.ts'
import { type ServedBundle, serveBundle } from '../../../server/bundle/serve.ts'
import type { Store } from '../../../server/store/store.ts'
import type { LogRecord } from '../../../shared/record.ts'
import { formatTime } from '../../../shared/time.ts'
import { serve, type TestServer } from '../serve.ts'
import { API, gapOf, linesOf, NOON, recordOf, SECOND, streamOf, WEB } from '../store/records.ts'

/** The times that the scene's bundles are of: half a minute around noon. */
export const SINCE = NOON - 30n * SECOND
export const UNTIL = NOON + 30n * SECOND

const SYSLOG = streamOf('', { service: '', serviceId: '', taskId: '', slot: 0, containerId: '', tag: 'syslog' })

/** Lines of all kinds: long, empty, odd, foreign, with levels and fields, of one moment, and some outside of the scene's times. */
export function lines(): LogRecord[] {
  const long = `${'lorem ipsum é\u{1f600} '.repeat(900)}needle`
  return [
    ...linesOf(WEB, 500, {
      message: 'GET /cart 200',
      level: 'info',
      fields: '{"status":200,"a.b":1.0,"2":"x","1":1e3}',
    }),
    ...linesOf(API, 300, { source: 'stderr', level: 'error', time: NOON - SECOND }),
    ...[0, 1, 2].map((ordinal) => recordOf(WEB, { time: NOON + SECOND, ordinal, message: `same ${ordinal}` })),
    recordOf(API, { time: NOON + 2n * SECOND, message: long, cutFrom: 2_000_000, level: 'warn' }),
    recordOf(API, { time: NOON + 3n * SECOND, message: 'short', fields: JSON.stringify({ long }) }),
    recordOf(API, {
      time: NOON + 4n * SECOND,
      message: '\ufeffbom \u0000 nul "quoted" \u001b[31mred\r',
      headMissing: true,
    }),
    recordOf(API, { time: NOON + 5n * SECOND, message: '' }),
    recordOf(streamOf('odd'), { time: 5n, message: 'before 1990' }),
    ...[0, 1].map((ordinal) => recordOf(SYSLOG, { chunk: 'c1', ordinal, message: `two\nlines ${ordinal}` })),
    recordOf(WEB, { time: SINCE - 1n, message: 'before the scene' }),
    recordOf(WEB, { time: UNTIL, message: 'after the scene' }),
  ]
}

/** A server with lines and a gap, and folders for bundles. */
export class Scene {
  readonly server: TestServer
  readonly dir: string
  readonly #open: ServedBundle[] = []

  private constructor(server: TestServer, dir: string) {
    this.server = server
    this.dir = dir
  }

  static async open(store: Store, records: readonly LogRecord[] = lines()): Promise<Scene> {
    await store.append(records)
    await store.appendGaps([
      gapOf(WEB, { atMost: 9 }),
      gapOf(API, { from: NOON - 100n * SECOND, to: NOON - 90n * SECOND }),
    ])
    const server = await serve({ store })
    const { annotations } = server.context
    await annotations.add({ from: NOON + SECOND, made: NOON, by: 'anna', text: 'a moment' })
    await annotations.add({ from: NOON + SECOND, made: NOON, by: 'anna', text: 'of a line', stream: WEB, cursor: 'AQ' })
    await annotations.add({ from: UNTIL + SECOND, made: NOON, by: 'anna', text: 'of another time' })
    return new Scene(server, await mkdtemp(join(tmpdir(), 'swarmlogs-bundle-')))
  }

  get cacheDir(): string {
    return join(this.dir, 'cache')
  }

  path(name: string): string {
    return join(this.dir, name)
  }

  /** Saves a bundle of the scene's times. */
  async save(name: string, options: { q?: string; signal?: AbortSignal; fileLines?: number } = {}): Promise<Saved> {
    const { url } = this.server
    const params = new URLSearchParams({ since: formatTime(SINCE), until: formatTime(UNTIL) })
    if (options.q !== undefined) params.set('q', options.q)
    const knowledge = (await (await fetch(`${url}/api/v1/knowledge`)).json()) as Knowledge
    return saveBundle({
      path: this.path(name),
      linesFrom: async (cursor) => {
        const asked = new URLSearchParams({ ...Object.fromEntries(params), ...(cursor !== null && { cursor }) })
        const headers = { accept: 'application/vnd.swarmlogs.archive' }
        const { body } = await fetch(`${url}/api/v1/search?${asked}`, { headers })
        if (body === null) throw new Error('no answer')
        return buffersOf(body)
      },
      about: {
        ...{ name: 'the scene', savedBy: 'me', savedFrom: url, question: [...params], around: null },
        ...{ since: String(SINCE), until: String(UNTIL) },
      },
      knowledge,
      signal: options.signal ?? new AbortController().signal,
      ...(options.fileLines !== undefined && { fileLines: options.fileLines }),
      onProgress: () => {},
    })
  }

  /** Serves a bundle. */
  async serve(name: string): Promise<ServedBundle> {
    const served = await serveBundle({
      ...{ path: this.path(name), cacheDir: this.cacheDir, listen: { host: '127.0.0.1', port: 0 } },
      ...{ tokens: { kind: 'none' } as const, log: pino({ level: 'silent' }) },
    })
    this.#open.push(served)
    return served
  }

  async close(): Promise<void> {
    for (const served of this.#open) await served.close()
    await this.server.close()
    await rm(this.dir, { recursive: true, force: true })
  }
}

async function* buffersOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of body) yield Buffer.from(piece)
}
