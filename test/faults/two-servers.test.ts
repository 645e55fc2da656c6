import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Packr } from 'msgpackr'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROLE } from '../../scripts/elasticsearch-files.ts'
import { type Elastic, startElastic } from '../lab/elastic.ts'
import { lastingPort } from '../lab/ports.ts'
import { eventually, killPrograms, type Program, startProgram, swarmlogs } from '../lab/program.ts'
import { Events, messagesOf } from '../server/events.ts'

const CHUNKS = 400
const LINES = 20

describe('two servers on one Elasticsearch', () => {
  let elastic: Elastic
  let dir: string
  let ports: number[]
  const programs: Program[] = []
  const clients: Events[] = []
  beforeAll(async () => {
    elastic = await startElastic({ secure: true })
    dir = mkdtempSync(join(tmpdir(), 'swarmlogs-two-'))
    const { body } = await elastic.call('POST', '/_security/api_key', { name: 'swarmlogs', role_descriptors: { ROLE } })
    writeFileSync(join(dir, 'key'), JSON.parse(body).encoded)
    ports = [await lastingPort(), await lastingPort(), await lastingPort(), await lastingPort()]
    for (const index of [0, 1]) programs.push(await startServer(index))
  }, 180_000)
  afterAll(async () => {
    for (const client of clients) client.close()
    killPrograms()
    rmSync(dir, { recursive: true, force: true })
    await elastic?.stop()
  })

  const startServer = (index: number) =>
    startProgram(
      [
        ...['server', '--listen', `127.0.0.1:${ports[index]}`, '--forward', `127.0.0.1:${ports[index + 2]}`],
        ...['--elasticsearch', elastic.urls.join(','), '--elasticsearch-ca', elastic.caFile ?? ''],
        ...(index === 0 ? ['--elasticsearch-api-key-file', join(dir, 'key')] : ['--elasticsearch-user', 'swarmlogs']),
        ...(index === 0 ? [] : ['--elasticsearch-password-file', elastic.passwordFile ?? '']),
        ...['--elasticsearch-replicas', '0'],
        ...['--peers', `127.0.0.1:${ports[0]},127.0.0.1:${ports[1]}`],
      ],
      { SWARMLOGS_STORE: 'elasticsearch' },
    )
  const tail = (index: number): Events => {
    const client = new Events(`http://127.0.0.1:${ports[index]}/api/v1/tail?since=1h`)
    clients.push(client)
    return client
  }

  it('show and keep every line once, through the kill of one under load', { timeout: 180_000 }, async () => {
    const client = tail(0)
    await client.until('live')
    const expected: string[] = []
    let killed: Promise<unknown> | undefined
    const sending = Array.from({ length: 4 }, async (_, lane) => {
      for (let chunk = lane; chunk < CHUNKS; chunk += 4) {
        const lines = Array.from({ length: LINES }, (_unused, line) => `line ${chunk}.${line}`)
        expected.push(...lines)
        // Each sender goes on with the other server when its own is gone, with the same chunk.
        await send([ports[killed === undefined ? 3 : 2] ?? 0, ports[2] ?? 0], lines)
        if (chunk === CHUNKS / 2) killed = programs[1]?.end('SIGKILL')
      }
    })
    await Promise.all(sending)
    await killed
    // Comes last, so that a line that is shown twice is noticed.
    await send([ports[2] ?? 0], ['line that ends it'])
    expected.push('line that ends it')
    const shown = messagesOf(await client.untilMessage('line that ends it'))
    expect(shown.toSorted()).toEqual(expected.toSorted())
    const { stdout } = await swarmlogs(['search', 'line', '-o', 'json'], {
      env: { SWARMLOGS_URL: `http://127.0.0.1:${ports[0]}` },
    })
    const stored = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).message)
    expect(stored.toSorted()).toEqual(expected.toSorted())
  })

  it('go on together when it is back', async () => {
    programs[1] = await startServer(1)
    const [a, b] = [tail(0), tail(1)]
    await Promise.all([a.until('live'), b.until('live')])
    const start = performance.now()
    await send([ports[3] ?? 0], ['from the one'])
    await send([ports[2] ?? 0], ['from the other'])
    for (const client of [a, b]) expect(messagesOf(await client.take(2))).toEqual(['from the one', 'from the other'])
    expect(performance.now() - start).toBeLessThan(5000)
    await eventually('a search to find both', 10_000, async () => {
      const answer = await fetch(`http://127.0.0.1:${ports[1]}/api/v1/search?grep=${encodeURIComponent('from the')}`)
      return ((await answer.json()) as { records: unknown[] }).records.length === 2
    })
  })
})

const packr = new Packr({ useRecords: false, variableMapSize: true })

/** Sends lines as one chunk to the first of the ports that acks it. */
async function send(to: readonly number[], lines: readonly string[]): Promise<void> {
  const chunk = randomBytes(16).toString('base64')
  const seconds = Math.floor(Date.now() / 1000)
  const labels = { container_id: 'c'.repeat(64), container_name: '/two', source: 'stdout' }
  const entries = lines.map((log) => [seconds, { ...labels, log }])
  for (const port of to) {
    const socket = connect(port, '127.0.0.1')
    try {
      await acked(socket, packr.pack(['two', entries, { chunk, size: entries.length }]), chunk)
      return
    } catch {
      // The next one, with the same chunk.
    } finally {
      socket.destroy()
    }
  }
  throw new Error(`cannot send to any of ${to.join(', ')}`)
}

async function acked(socket: Socket, bytes: Uint8Array, chunk: string): Promise<void> {
  await once(socket, 'connect')
  socket.write(bytes)
  for await (const answer of socket) if (packr.unpack(answer).ack === chunk) return
  throw new Error('the connection ended without an ack')
}
