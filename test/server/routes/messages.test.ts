import { once } from 'node:events'
import { request } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { serve, type TestServer } from '../serve.ts'
import { linesOf, recordOf, streamOf } from '../store/records.ts'

interface Message {
  readonly event: string
  readonly id?: string
  readonly data: { readonly message?: string; readonly code?: string; readonly text?: string }
}

/** A client of a tail over a WebSocket. */
class Client {
  readonly socket: WebSocket
  readonly messages: Message[] = []
  #wake = (): void => {}

  constructor(url: string) {
    this.socket = new WebSocket(url.replace('http', 'ws'))
    this.socket.addEventListener('message', ({ data }) => {
      this.messages.push(JSON.parse(String(data)))
      this.#wake()
    })
  }

  async until(event: string): Promise<Message[]> {
    while (!this.messages.some((message) => message.event === event)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.messages.splice(0)
  }
}

describe('GET /api/v1/tail over a WebSocket', () => {
  let server: TestServer
  const clients: Client[] = []
  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.close()
    await server.close()
  })
  const tail = (query = ''): Client => {
    const client = new Client(`${server.url}/api/v1/tail?${query}`)
    clients.push(client)
    return client
  }
  const upgrade = (path: string, headers: Record<string, string> = {}) =>
    new Promise<number | undefined>((resolve) => {
      const asked = request(`${server.url}${path}`, {
        headers: {
          ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
          ...{ 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', ...headers },
        },
      })
      asked.on('response', (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      asked.on('upgrade', (response, socket) => {
        socket.destroy()
        resolve(response.statusCode)
      })
      asked.end()
    })
  const texts = (messages: readonly Message[]) =>
    messages.filter(({ event }) => event === 'record').map(({ data }) => data.message)

  it('shows history, then what comes in, and goes on from any of its ids', async () => {
    server = await serve()
    await server.context.ingestor.records(linesOf(streamOf('web'), 5))
    const client = tail('n=3')
    const history = await client.until('live')
    expect(texts(history)).toEqual(['line 2', 'line 3', 'line 4'])
    expect(history.map(({ event }) => event)).toContain('completeness')
    await server.context.ingestor.records(linesOf(streamOf('api'), 2))
    expect(texts(await client.until('record'))[0]).toBe('line 0')
    const cursor = history.find(({ data }) => data.message === 'line 3')?.id
    expect(texts(await tail(`n=3&cursor=${cursor}`).until('live'))).toEqual(['line 4', 'line 0', 'line 1'])
    expect((await tail('n=1&format=text').until('live')).find(({ event }) => event === 'record')?.data).toMatchObject({
      text: expect.stringContaining('line'),
    })
  })

  it('sends events', async () => {
    server = await serve({ timing: { quietMs: 10 } })
    const client = tail('events=true&q=failed')
    await client.until('live')
    const lines = ['failed', '  at a', 'fine'].map((message, ordinal) =>
      recordOf(streamOf('web'), { message, ordinal }),
    )
    await server.context.ingestor.records(lines)
    expect(texts(await client.until('record'))).toEqual(['failed\n  at a'])
  })

  describe('with its parameters as a message', () => {
    const asking = (message?: string | Uint8Array<ArrayBuffer>): Client => {
      const client = tail('parameters=message')
      client.socket.addEventListener('open', () => message !== undefined && client.socket.send(message))
      return client
    }
    /** How a socket was closed, and the problem that it told. */
    const refusal = async ({ socket, messages }: Client): Promise<unknown[]> => {
      const [{ code, reason }] = (await once(socket, 'close')) as [CloseEvent]
      expect(socket.readyState).toBe(WebSocket.CLOSED)
      while (server.context.slots.taken > 0) await setImmediate()
      return [code, reason, ...messages]
    }

    it('shows what POST would, however long the question is', async () => {
      server = await serve()
      await server.context.ingestor.records(linesOf(streamOf('web'), 5))
      const nobody = Array.from({ length: 400 }, (_, index) => `nope-${String(index).repeat(50)}`)
      const question = { service: [...nobody, 'shop_web'], since: '2d', q: '"line 3" OR "line 4"' }
      const history = await asking(JSON.stringify(question)).until('live')
      expect(texts(history)).toEqual(['line 3', 'line 4'])
      const cursor = history.find(({ event }) => event === 'record')?.id
      await server.context.ingestor.records(linesOf(streamOf('api'), 5))
      const resumed = await asking(JSON.stringify({ ...question, cursor })).until('live')
      expect(texts(resumed)).toEqual(['line 4'])
      const events = await asking(JSON.stringify({ n: 1, events: true, format: 'text' })).until('live')
      expect(events.find(({ event }) => event === 'record')?.data.text).toContain('line 4')
      const whole = await asking(Buffer.from('{"n":"2"}')).until('live')
      expect(texts(whole)).toHaveLength(2)
    })

    it('goes on with what comes in, and ends when the server does', async () => {
      server = await serve()
      const client = asking('{"target":["web"]}')
      await client.until('live')
      client.socket.send('{"n":5}')
      await server.context.ingestor.records([...linesOf(streamOf('api'), 1), ...linesOf(streamOf('web'), 1)])
      expect(texts(await client.until('record'))).toEqual(['line 0'])
      server.context.live.close()
      expect(await refusal(client)).toEqual([
        1001,
        '',
        { event: 'note', data: expect.objectContaining({ code: 'shutdown' }) },
      ])
    })

    it.each([
      ['{"n":"many"}', 'n', "cannot use n='many': give a whole number from 0 to 1000000000"],
      ['{"q":"(a"}', 'q', /^cannot .* at 3/],
      ['{"sicne":"1h"}', 'sicne', /did you mean since/],
      ['{"events":true,"per":"task"}', 'per', /leave out per/],
      ['{"parameters":"message"}', 'parameters', /^cannot use the parameter/],
      ['{"cursor":"AQ"}', 'cursor', /^cannot/],
      ['[]', undefined, /one JSON object/],
      ['null', undefined, /one JSON object/],
      ['{"n":1', undefined, /one JSON object/],
      ['', undefined, /one JSON object/],
    ])('refuses %s', async (message, parameter, reason) => {
      server = await serve()
      const [code, told, problem, ...more] = await refusal(asking(message))
      const matches = typeof reason === 'string' ? reason : expect.stringMatching(reason)
      expect([code, told, more]).toEqual([1008, matches, []])
      expect(problem).toMatchObject({
        event: 'problem',
        data: { error: { message: matches, ...(parameter && { parameter }) } },
      })
    })

    it('cuts the reason to what a close frame takes, between letters', async () => {
      server = await serve()
      const [code, told] = await refusal(asking(JSON.stringify({ ['ä'.repeat(300)]: 1 })))
      expect([code, told]).toEqual([1008, expect.stringMatching(/^cannot use the parameter 'ä+$/)])
      expect(Buffer.byteLength(String(told))).toBeGreaterThan(120)
    })

    it('waits for a bounded time, and for a bounded message', async () => {
      server = await serve({ timing: { parametersMs: 50 } })
      expect(await refusal(asking())).toEqual([
        ...[1008, 'cannot wait for the parameters any longer: send them as the first message within 0.05 s'],
        { event: 'problem', data: { error: expect.objectContaining({ code: 'bad_request' }) } },
      ])
      await server.close()
      server = await serve()
      const [code] = await refusal(asking(`{"q":"${'x'.repeat(1024 * 1024)}"}`))
      expect(code).toBe(1009)
    })

    it('forgets a client that goes before it asks, and one that waits when the server ends', async () => {
      server = await serve()
      const gone = asking()
      await once(gone.socket, 'open')
      expect(server.context.slots.taken).toBe(1)
      gone.socket.close()
      while (server.context.slots.taken > 0) await setImmediate()
      const waiting = asking()
      await once(waiting.socket, 'open')
      const closed = once(waiting.socket, 'close') as Promise<[CloseEvent]>
      await server.close()
      expect((await closed)[0].code).toBe(1001)
      server = await serve()
    })

    it('tells who finds no place', async () => {
      server = await serve({ slots: 0 })
      expect(await refusal(tail())).toEqual([1013, expect.stringContaining('cannot serve more than 0')])
    })

    it('is for WebSockets, and for all parameters', async () => {
      server = await serve()
      expect(await upgrade('/api/v1/tail?parameters=message')).toBe(101)
      expect(await upgrade('/api/v1/tail?parameters=message&n=5')).toBe(400)
      expect(await upgrade('/api/v1/tail?parameters=body')).toBe(400)
      const answer = await server.get('/api/v1/tail?parameters=message')
      expect([answer.status, await answer.json()]).toMatchObject([400, { error: { parameter: 'parameters' } }])
      const posted = await fetch(`${server.url}/api/v1/tail`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"parameters":"message"}',
      })
      expect(posted.status).toBe(400)
    })
  })

  it('says why it ends when the server does, and gives its place back', async () => {
    server = await serve()
    const client = tail()
    await client.until('live')
    expect(server.context.slots.taken).toBe(1)
    server.context.live.close()
    await once(client.socket, 'close')
    expect(client.messages).toMatchObject([{ event: 'note', data: { code: 'shutdown' } }])
    while (server.context.slots.taken > 0) await setImmediate()
  })

  it('gives its place back when the client goes', async () => {
    server = await serve()
    const client = tail()
    await client.until('live')
    client.socket.close()
    while (server.context.slots.taken > 0) await setImmediate()
  })

  it('opens only for who may ask, and only for questions that have answers', async () => {
    server = await serve({ tokens: () => ['secret'] })
    const authorization = 'Bearer secret'
    expect(await upgrade('/api/v1/tail')).toBe(401)
    expect(await upgrade('/api/v1/tail', { authorization })).toBe(101)
    expect(await upgrade('/api/v1/tail?n=many', { authorization })).toBe(400)
    expect(await upgrade('/api/v1/tail?cursor=AQ', { authorization })).toBe(400)
    expect(await upgrade('/api/v1/nope', { authorization })).toBe(404)
  })

  it('opens for a browser, which can send its token only as a protocol, and does not repeat it', async () => {
    server = await serve({ tokens: () => ['secret/with+all='] })
    const url = `${server.url.replace('http', 'ws')}/api/v1/tail`
    const protocolOf = (token: string) => `swarmlogs.bearer.${Buffer.from(token).toString('base64url')}`
    const socket = new WebSocket(url, ['swarmlogs', protocolOf('secret/with+all=')])
    await once(socket, 'open')
    expect(socket.protocol).toBe('swarmlogs')
    socket.close()
    const offering = (protocols: string) => upgrade('/api/v1/tail', { 'sec-websocket-protocol': protocols })
    expect(await offering(`${protocolOf('secret/with+all=')}, swarmlogs`)).toBe(101)
    expect(await offering(`swarmlogs, ${protocolOf('wrong')}`)).toBe(401)
    expect(await offering('swarmlogs, swarmlogs.bearer.')).toBe(401)
    const protocol = { 'sec-websocket-protocol': protocolOf('secret/with+all=') }
    expect((await server.get('/api/v1/version', protocol)).status).toBe(401)
  })

  it('opens for no page of another site', async () => {
    server = await serve({ localOnly: true })
    const { host } = new URL(server.url)
    expect(await upgrade('/api/v1/tail', { origin: 'http://evil.example' })).toBe(403)
    expect(await upgrade('/api/v1/tail', { origin: 'null' })).toBe(403)
    expect(await upgrade('/api/v1/tail', { host: 'evil.example', origin: 'http://evil.example' })).toBe(403)
    expect(await upgrade('/api/v1/tail', { origin: `http://${host}` })).toBe(101)
  })

  it('answers who asks for another protocol by HTTP/1.1', async () => {
    server = await serve()
    expect(await upgrade('/api/v1/version', { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c' })).toBe(200)
  })
})
