/*
 * The most memory that it takes to save, verify and search a bundle of ten million lines (or so many as are given). The lines are made up
 * by a server of its own, as fast as they are taken: the store has no part in this.
 *
 *   node test/bench/incident.ts FOLDER [LINES]
 */

import { rm, stat } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseLine } from '../../server/parse/line.ts'
import { formatTime } from '../../shared/time.ts'
import { serve } from '../server/serve.ts'
import { streamOf } from '../server/store/records.ts'
import { Corpus } from './corpus.ts'
import { timed } from './timed.ts'

const [, , folder = '/tmp/swarmlogs-incident', count = '10000000'] = process.argv
const LINES = Number(count)
const STREAMS = 48
const CHUNK_LINES = 500
/** Lines are made of so many that differ: to make them up must not take longer than to save them. */
const DISTINCT = 100_000
const SPAN_NS = 86_400_000_000_000n

const until = BigInt(Date.now()) * 1_000_000n
const since = until - SPAN_NS
const corpus = new Corpus(1)
const tails = Array.from({ length: DISTINCT }, (_, index) => {
  const { message } = corpus.line(Number(since / 1_000_000n) + index)
  const { level, fields } = parseLine(message)
  return `"${level}",0,0,${JSON.stringify(message)},${JSON.stringify(fields)}]\n`
})

function* answer(): Generator<string> {
  yield `${JSON.stringify({ store: { id: 'bench', epoch: 1 }, received: String(until) })}\n`
  for (let stream = 0; stream < STREAMS; stream++)
    yield `${JSON.stringify({ stream, labels: streamOf(`app${stream}`) })}\n`
  for (let from = 0; from < LINES; from += CHUNK_LINES) {
    let text = ''
    for (let line = from; line < Math.min(LINES, from + CHUNK_LINES); line++) {
      const time = since + (BigInt(line) * SPAN_NS) / BigInt(LINES)
      text += `[${line % STREAMS},"stdout","${time}","${until}",0,${tails[(line * 7919) % DISTINCT]}`
    }
    yield text
  }
  const completeness = { verdict: 'complete', membership: 'known', nodes: [], gaps: 0, unreadable: [], lossy: [] }
  yield `${JSON.stringify({ end: true, cursor: null, completeness })}\n`
}

const empty = await serve({ now: () => until })
const knowledge = await (await empty.get('/api/v1/knowledge')).text()
await empty.close()

async function respond(path: string, response: ServerResponse): Promise<void> {
  if (!path.startsWith('/api/v1/search')) response.end(knowledge)
  else await pipeline(answer, response)
}
const server = createServer((request, response) => {
  respond(request.url ?? '', response).catch((error: Error) => response.destroy(error))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const file = join(folder, 'incident.slog')
const cache = join(folder, 'cache')
const env = { SWARMLOGS_URL: url, XDG_CACHE_HOME: cache, TMPDIR: folder }
await rm(file, { force: true })
await rm(cache, { recursive: true, force: true })
const range = ['--since', formatTime(since), '--until', formatTime(until)]
await timed(`save ${LINES} lines`, ['incident', 'save', 'bench', ...range, '-o', file], { env })
server.close()
process.stdout.write(`bundle: ${(await stat(file)).size} bytes\n`)
await timed('open and search for a word', ['--archive', file, 'search', 'nowhere', ...range], { env })
await timed('open again and search', ['--archive', file, 'search', 'nowhere', ...range], { env })
await timed('verify', ['incident', 'verify', file], { env })
