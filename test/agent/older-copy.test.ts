import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { agentConfig } from '../../agent/config.ts'
import { runAgent } from '../../agent/main.ts'
import { serverConfig } from '../../server/config.ts'
import { runServer, type ServerAddresses } from '../../server/main.ts'
import { recordingLog, silent, temporaryDir } from './chunks.ts'
import { FakeEngine } from './fake-engine.ts'

it('an agent sends again what the store has lost since it was copied', async () => {
  const dir = temporaryDir()
  const [data, copy] = [join(dir, 'data'), join(dir, 'copy')]
  const engine = await FakeEngine.start()
  onTestFinished(() => engine.close())
  const container = engine.container({ driverOptions: { 'max-size': '1m' } })
  const base = BigInt(Date.now()) * 1_000_000n
  const write = (...texts: string[]) => {
    for (const text of texts) container.write(text, { time: base + BigInt(container.written.length) })
  }
  write('one')
  let { server, agent } = await startBoth(dir, engine.host)
  await server.has(['one'])
  await agent.stop()
  await server.stop()
  await cp(data, copy, { recursive: true })
  ;({ server, agent } = await startBoth(dir, engine.host))
  write('two', 'three')
  await server.has(['one', 'two', 'three'])
  await agent.stop()
  await server.stop()
  expect(agent.warnings()).toEqual([])

  await rm(data, { recursive: true })
  await cp(copy, data, { recursive: true })
  // The copy goes on before the agent comes back.
  const alone = await startServer(data)
  const line = `${JSON.stringify({ message: 'another', time: new Date().toISOString() })}\n`
  const headers = { 'content-type': 'application/x-ndjson' }
  const answer = await fetch(`${alone.http}/api/v1/ingest?service=x`, { method: 'POST', headers, body: line })
  expect(answer.status).toBe(200)
  await alone.stop()
  ;({ server, agent } = await startBoth(dir, engine.host))
  write('four')
  await server.has(['one', 'two', 'three', 'four', 'another'])
  expect(agent.warnings()).toEqual([expect.stringContaining('it is an older copy; sending it what Docker still holds')])
})

interface Part {
  readonly stop: () => Promise<void>
}

/** Starts a server and an agent of it. */
async function startBoth(dir: string, docker: string) {
  const server = await startServer(join(dir, 'data'))
  return { server, agent: startAgent(join(dir, 'state'), docker, server.forward) }
}

async function startServer(data: string) {
  const config = serverConfig({ data, listen: '127.0.0.1:0', forward: '127.0.0.1:0' }, {})
  const ready = Promise.withResolvers<ServerAddresses>()
  const part = started((signal) => runServer(config, silent, signal, ready.resolve))
  const { http, forward } = await ready.promise
  const messages = async () => {
    const url = `${http}/api/v1/search?since=1h&limit=100`
    const { records } = (await (await fetch(url)).json()) as { records: { message: string }[] }
    return records.map(({ message }) => message).sort()
  }
  const has = (wanted: readonly string[]) => expect.poll(messages, { timeout: 20_000 }).toEqual([...wanted].sort())
  return { ...part, http, forward, has }
}

function startAgent(state: string, docker: string, server: string) {
  const { log, lines } = recordingLog()
  const config = agentConfig({ docker, server, state, backfill: '1000w', stopGrace: '500ms' }, {})
  const part = started((signal) => runAgent(config, log, signal))
  const warnings = () => lines.filter(({ level }) => level === 40).map(({ msg }) => String(msg))
  return { ...part, warnings }
}

function started(run: (signal: AbortSignal) => Promise<void>): Part {
  const stop = new AbortController()
  const done = run(stop.signal)
  done.catch(() => {})
  const end = async () => {
    stop.abort()
    await done
  }
  onTestFinished(() => end().catch(() => {}))
  return { stop: end }
}
