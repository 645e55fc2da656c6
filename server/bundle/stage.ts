import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { annotationsIn } from '../annotations.ts'
import { buildApp } from '../app.ts'
import type { Context } from '../context.ts'
import { listenHttp } from '../listen.ts'
import { CopiedLines } from '../store/copied-lines.ts'
import { openStore } from '../store/open.ts'
import { spillDir } from './cache.ts'
import { bundleContext } from './context.ts'
import type { Knowledge } from './knowledge.ts'
import { Bundle } from './read.ts'
import type { Replayed } from './replayed.ts'

const POLL_MS = 20
/** However old the lines are. */
const FOREVER_MS = 200 * 365 * 86_400_000

/** Where a bundle is shown as if its lines came in now. */
export interface Stage {
  readonly url: string
  /** Its clock, ms since 1970: the time of the last line. */
  readonly nowMs: () => number
  /** Resolves when somebody follows, or the signal comes. */
  followed(signal: AbortSignal): Promise<void>
  /** Has lines and gaps come in, and what was noted up to then. */
  take(items: readonly Replayed[]): Promise<void>
  close(): Promise<void>
}

/** How a stage is set up. */
export interface StageOptions {
  /** The bundle. */
  readonly path: string
  /** Where it may put the lines, for as long as it is there. */
  readonly cacheDir: string
  /** Only who has it can read the lines. */
  readonly token: string
  /** What its clock says at first. */
  readonly since: bigint
  readonly log: Logger
}

/** Serves the HTTP API on a port of this machine, on a store that is empty at first and gone at the end. */
export async function openStage({ path, cacheDir, token, since, log }: StageOptions): Promise<Stage> {
  const { storeId, knowledge } = await knownOf(path)
  const folder = await spillDir(cacheDir)
  const options = { dir: join(folder.path, 'store'), retentionMs: FOREVER_MS, maxBytes: Number.MAX_SAFE_INTEGER, log }
  const store = await openStore(options).catch(async (error: unknown) => {
    await folder.remove()
    throw error
  })
  let clock = since
  const stopping = new AbortController()
  await store.save('inventory', knowledge.inventory)
  await store.save('reports', knowledge.reports)
  const context = await bundleContext({ store, knowledge }, { log, stopping: stopping.signal, now: () => clock })
  const app = await buildApp(context, { tokens: () => [token], localOnly: false })
  const address = await listenHttp(app, { host: '127.0.0.1', port: 0 })
  const take = taking(context, { storeId, knowledge, since })
  return {
    url: `http://${address}`,
    nowMs: () => Number(clock / 1_000_000n),
    followed: async (signal) => {
      while (context.live.size === 0 && !signal.aborted) await delay(POLL_MS, undefined, { signal }).catch(() => {})
    },
    take: async (items) => {
      for (const { ns } of items) if (ns > clock) clock = ns
      await take(items, clock)
    },
    close: async () => {
      context.live.close()
      stopping.abort()
      app.server.closeAllConnections()
      await app.close()
      await store.close()
      await folder.remove()
    },
  }
}

async function knownOf(path: string): Promise<{ storeId: string; knowledge: Knowledge }> {
  const bundle = await Bundle.open(path)
  try {
    return { storeId: bundle.manifest.store.id, knowledge: await bundle.knowledge() }
  } finally {
    await bundle.close()
  }
}

function taking(
  { store, commits, gapFeed, annotations, onNoted }: Context,
  { storeId, knowledge, since }: { readonly storeId: string; readonly knowledge: Knowledge; readonly since: bigint },
) {
  const copied = new CopiedLines(storeId)
  const notes = [...annotationsIn(knowledge.annotations, { since }).annotations]
  return async (items: readonly Replayed[], upTo: bigint): Promise<void> => {
    const gaps = items.flatMap((item) => ('gap' in item ? [item.gap] : []))
    const records = items.flatMap((item) => ('record' in item ? [copied.lineOf(item.record)] : []))
    if (gaps.length > 0) await store.appendGaps(gaps)
    gapFeed.publish(gaps)
    if (records.length > 0) await commits.append(records)
    for (let [note] = notes; note !== undefined && note.from <= upTo; [note] = notes) {
      notes.shift()
      onNoted(await annotations.add(note))
    }
  }
}
