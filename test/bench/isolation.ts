/*
 * What heavy searches do to what comes in: node test/bench/isolation.ts [millions of lines, 10] [FOLDER of search.ts]
 * A server with that many lines takes 20,000 a second, first alone, then while two clients search all lines for an expression that is slow to
 * match, again and again. Of the built program.
 */
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startProgram } from '../lab/program.ts'
import { chunks } from './chunks.ts'
import { quantile, report, residentMb, withFolder } from './measure.ts'
import { filled } from './search-lines.ts'

const LINES = Number(process.argv[2] ?? 10) * 1e6
const PER_SECOND = 20_000
const CHUNK = 5_000
const PHASE_MS = 30_000
/** `{"ack": id}` with the id of 32 characters that `chunks` gives. */
const ACK_BYTES = 5 + 2 + 32
const SLOW = '/(([a-z]+[0-9]*)*[^a-z]{1,3}){4,40}(z{3,9}q|[0-9]{12,40}x)+$/'
const [listen, forward] = ['127.0.0.1:14380', '127.0.0.1:14324']

/** What a phase was like, times in ms. */
interface Phase {
  readonly lines: number
  readonly acks: readonly number[]
  readonly pages: readonly number[]
  readonly mostMb: number
}

await withFolder(async (own) => {
  const { store } = await filled(process.argv[3] ?? join(own, 'lines'), LINES)
  await cp(store, join(own, 'data'), { recursive: true })
  const args = ['server', '--data', join(own, 'data'), '--listen', listen, '--forward', forward, '--insecure']
  const server = await startProgram(args)
  const pid = server.child.pid ?? 0
  const socket = connect(14_324, '127.0.0.1')
  await once(socket, 'connect')
  // Nobody sends again here what is not stored.
  socket.once('close', () => {
    throw new Error(`the server closed the connection: ${server.stderr()}`)
  })
  const frames = chunks({ containers: 16, lines: 4 * (PHASE_MS / 1000) * PER_SECOND })
  const alone = await phase(socket, frames, pid)
  const stop = new AbortController()
  const searching = [0, 1].map(() => searchAll(stop.signal))
  const beside = await phase(socket, frames, pid)
  stop.abort()
  const searches = (await Promise.all(searching)).reduce((sum, count) => sum + count, 0)
  socket.removeAllListeners('close').destroy()
  await server.end('SIGTERM')
  tell(alone, beside, searches)
})

function tell(alone: Phase, beside: Phase, searches: number): void {
  const p99 = (values: readonly number[]): string => `${quantile(values, 0.99).toFixed(0)} ms`
  report('lines taken in beside searches / alone', (beside.lines / alone.lines).toFixed(2), 'at least 0.8')
  report(
    'ack p99 beside searches',
    `${p99(beside.acks)} (alone ${p99(alone.acks)}), ${searches} searches ended`,
    'under 1000 ms',
  )
  report(
    'first page p99 while lines come in',
    `${p99(alone.pages)}; beside searches ${p99(beside.pages)}`,
    'under 300 ms',
  )
  report(
    'RSS of the server, at most',
    `${beside.mostMb.toFixed(0)} MB (alone ${alone.mostMb.toFixed(0)})`,
    'under 700 MB',
  )
}

/** Sends so many lines a second, a chunk at a time, and asks for a page five times a second. */
async function phase(socket: Socket, frames: AsyncGenerator<Buffer>, pid: number): Promise<Phase> {
  const [acks, pages, sent]: [number[], number[], number[]] = [[], [], []]
  let [bytes, mostMb] = [0, 0]
  const onData = (data: Buffer): void => {
    bytes += data.length
    while (acks.length < Math.floor(bytes / ACK_BYTES)) acks.push(performance.now() - (sent[acks.length] ?? 0))
  }
  socket.on('data', onData)
  const started = performance.now()
  const reading = readPages(started, pages)
  while (performance.now() < started + PHASE_MS) {
    const due = started + (sent.length * CHUNK * 1000) / PER_SECOND
    await delay(Math.max(due - performance.now(), 0))
    const frame = await frames.next()
    sent.push(performance.now())
    if (!frame.done) socket.write(frame.value)
    // As an agent does: so many chunks in flight.
    while (sent.length - acks.length > 8) await once(socket, 'data')
    mostMb = Math.max(mostMb, await residentMb(pid))
  }
  const lines = acks.length * CHUNK
  while (acks.length < sent.length) await once(socket, 'data')
  socket.off('data', onData)
  await reading
  return { lines, acks, pages, mostMb }
}

async function readPages(started: number, times: number[]): Promise<void> {
  while (performance.now() < started + PHASE_MS) {
    const asked = performance.now()
    await ask('search?service=web&order=desc&limit=100')
    times.push(performance.now() - asked)
    await delay(200)
  }
}

async function searchAll(signal: AbortSignal): Promise<number> {
  for (let count = 0; ; count++) {
    try {
      await ask(`count?since=2d&q=${encodeURIComponent(SLOW)}`, signal)
    } catch (error) {
      if (signal.aborted) return count
      throw error
    }
  }
}

async function ask(path: string, signal?: AbortSignal): Promise<void> {
  const response = await fetch(`http://${listen}/api/v1/${path}`, signal === undefined ? {} : { signal })
  const text = await response.text()
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 300)}`)
}
