import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve, type TestServer } from '../server/serve.ts'
import { NOON, recordOf, WEB } from '../server/store/records.ts'
import { runCli } from './scripted.ts'

const LINES = [
  'fine',
  'ERROR failed',
  'java.io.IOException: gone',
  '\tat com.shop.Cart.add(Cart.java:10)',
  'fine again',
]

describe('--events', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await serve()
    await server.context.ingestor.records(
      LINES.map((message, index) =>
        recordOf(WEB, { message, level: index === 1 ? 'error' : '', time: NOON + BigInt(index) * 1_000_000n }),
      ),
    )
  })
  afterAll(() => server.close())
  const ask = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await runCli(args, { SWARMLOGS_URL: server.url })
    expect([code, stderr.match(/error: .*/)]).toEqual([0, null])
    return stdout
  }
  const event = LINES.slice(1, 4).join('\n')

  it('prints all lines of what is found together', async () => {
    expect(await ask('search', 'Cart failed', '--events', '--raw', '--since', '2d')).toBe(`${event}\n`)
    expect(await ask('logs', 'web', '-i', 'gone.*', '-e', 'again', '--events', '--raw')).toBe(`${event}\n`)
    expect(await ask('tail', 'web', '--events', '-n', '2', '--raw', '--reverse')).toBe(`fine again\n${event}\n`)
    const timed = (await ask('search', 'Cart', '--events', '-t', '--since', '2d')).trimEnd().split('\n')
    expect(timed.map((line) => line.slice(11, 30))).toEqual([1, 2, 3].map((ms) => `12:00:00.00${ms}000000Z`))
  })

  it('writes an object for each', async () => {
    const lines = (await ask('search', '--events', '-o', 'json', '--since', '2d')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['fine', event, 'fine again'])
  })

  it('counts each once', async () => {
    const answer = await ask('histogram', '--events', '--since', '2d', '--interval', '1h', '-o', 'json')
    expect(JSON.parse(answer).buckets).toMatchObject([{ records: 3 }])
  })

  it('counts each once among fields, values, numbers and patterns', async () => {
    const json = async (...args: readonly string[]) =>
      JSON.parse(await ask(...args, '--events', '--since', '2d', '-o', 'json'))
    const { fields } = await json('fields', 'Cart failed')
    expect(fields[0]).toEqual({ name: 'level', kind: 'label', records: 1, types: ['string'] })
    expect((await json('values', 'service')).values).toEqual([{ value: 'shop_web', records: 3 }])
    expect((await json('stats', 'message.bytes')).groups).toMatchObject([{ count: 3, max: event.length }])
    expect((await json('patterns')).patterns).toMatchObject([
      ...[{ pattern: 'ERROR failed', records: 1 }, { pattern: 'fine' }, { pattern: 'fine again' }],
    ])
    const [heading] = (await ask('patterns', '--events', '--since', '2d')).split('\n')
    expect(heading).toBe('EVENTS   SHARE    PATTERN')
  })
})
