import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Demux } from '../../../cli/output/demux.ts'
import type { ServedBundle } from '../../../server/bundle/serve.ts'
import { formatTime } from '../../../shared/time.ts'
import type { StoreUnderTest } from '../store/records.ts'
import { Scene, SINCE, UNTIL } from './scene.ts'

const RANGE = `since=${formatTime(SINCE)}&until=${formatTime(UNTIL)}`
const NDJSON = 'application/x-ndjson;with=annotations'
const FRAMES = 'application/vnd.docker.multiplexed-stream;trailer=completeness'

/** Questions, and the form in which they are asked. */
const QUESTIONS: readonly (readonly [string, string?])[] = [
  ['search?'],
  ['search?', NDJSON],
  ['search?', FRAMES],
  ['search?', 'application/vnd.swarmlogs.archive'],
  ['search?', 'text/plain'],
  ['search?order=desc&', NDJSON],
  ['search?order=desc&limit=7&'],
  ['search?n=10&', NDJSON],
  ['search?n=3&per=task&', FRAMES],
  ['search?target=web&timestamps=true&', FRAMES],
  ['search?target=shop_api&details=true&', FRAMES],
  ['search?target=api.1&raw=true&', FRAMES],
  ['search?q=needle&', NDJSON],
  ['search?q=NEEDLE&', NDJSON],
  ['search?q=level>=error&', NDJSON],
  ['search?q=status:200 -GET&', NDJSON],
  ['search?q=/same [12]/&', NDJSON],
  ['search?q=a.b:1&limit=2&'],
  ['search?source=stderr&limit=3&'],
  ['search?grep=red&', NDJSON],
  ['search?q=lorem service:shop_api&events=true&', NDJSON],
  ['search?node=worker-0&', NDJSON],
  ['search?container=container-web&limit=9&'],
  ['tail?n=20&', 'text/event-stream'],
  ['tail?n=20&format=text&timestamps=true&', 'text/event-stream'],
  ['tail?q=level>=warn&n=1000&', 'text/event-stream'],
  ['count?'],
  ['count?q=cart&'],
  ['histogram?by=level&'],
  ['histogram?interval=100ms&by=service&'],
  ['fields?'],
  ['stats?field=status&'],
  ['values?field=level&'],
  ['patterns?'],
  ['patterns?target=web&'],
  ['values?field=service&q=level>=error&'],
  ['histogram?by=service&q=GET&'],
  ['stats?field=status&by=service&'],
]

/** Tests that a bundle of a store answers as the server on that store did. */
export function answersTheSame(name: string, openStore: () => Promise<StoreUnderTest>): void {
  describe(`a bundle of ${name}`, () => {
    let under: StoreUnderTest
    let scene: Scene
    let bundle: ServedBundle

    beforeAll(async () => {
      under = await openStore()
      scene = await Scene.open(under.store)
      await scene.save('a.slog')
      bundle = await scene.serve('a.slog')
    }, 60_000)
    afterAll(async () => {
      await scene.close()
      await under.destroy()
    })

    it.each(QUESTIONS)('answers %s as %s byte for byte as the server did', async (question, accept) => {
      const path = encodeURI(`${question}${RANGE}`)
      const answer = await ask(bundle.url, path, accept)
      expect(answer).toBe(await ask(scene.server.url, path, accept))
      expect(answer.slice(0, 3)).toBe('200')
    })

    it('goes on behind cursors of the server, and knows its lines by them', async () => {
      const page = JSON.parse((await ask(scene.server.url, `search?limit=3&${RANGE}`)).slice(4))
      for (const path of [
        `search?limit=3&${RANGE}&cursor=${page.cursor}`,
        `context?cursor=${page.cursor}&before=2&after=3&${RANGE}`,
      ])
        expect(await ask(bundle.url, path)).toBe(await ask(scene.server.url, path))
    })

    it('has its clock stand still at its end', async () => {
      const answer = await ask(bundle.url, 'count?since=28s')
      expect(JSON.parse(answer.slice(4)).records).toBe(
        JSON.parse(
          (
            await ask(scene.server.url, `count?since=${formatTime(UNTIL - 28_000_000_000n)}&until=${formatTime(UNTIL)}`)
          ).slice(4),
        ).records,
      )
    })

    it('takes no lines', async () => {
      const response = await fetch(`${bundle.url}/api/v1/ingest`, {
        ...{ method: 'POST', body: '{"message":"x"}\n', headers: { 'content-type': 'application/x-ndjson' } },
      })
      expect(response.status).toBe(503)
      expect(await response.text()).toContain('cannot write to a bundle')
    })
  })
}

/** The status and the body; of Docker's stream what its frames hold, as stores cut it into frames as they like. */
async function ask(url: string, path: string, accept = 'application/json'): Promise<string> {
  const response = await fetch(`${url}/api/v1/${path}`, { headers: { accept } })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (accept !== FRAMES) return `${response.status} ${bytes}`
  const demux = new Demux()
  const runs = demux.push(bytes).map(({ type, bytes: text }) => `${type} ${text}`)
  demux.end()
  return `${response.status} ${runs.join('\n')} ${demux.trailer}`
}
