import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { Response } from '../../../agent/tail/response.ts'

let server: Server | undefined
const sockets = new Set<Socket>()

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  server?.close()
})

/** A server that answers each connection's request by `answer`; resolves with its address. */
async function serve(answer: (socket: Socket, request: string) => void): Promise<{ host: string; port: number }> {
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('data', (request) => answer(socket, request.toString()))
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('BUG: no port')
  return { host: '127.0.0.1', port: address.port }
}

const signal = () => new AbortController().signal

describe('an answer', () => {
  it.each([
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n'],
    ['of a known length', 'content-length: 5\r\n\r\nhello, and more'],
    ['until the connection ends', 'X: y\r\n\r\nhello'],
  ])('comes %s', async (_, rest) => {
    const asked: string[] = []
    const address = await serve((socket, request) => {
      asked.push(request)
      socket.end(`HTTP/1.1 200 OK\r\n${rest}`)
    })
    const response = await Response.get(address, '/v1.41/x?y=1', signal())
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('hello')
    const host = `Host: 127.0.0.1:${address.port}`
    expect(asked).toEqual([`GET /v1.41/x?y=1 HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`])
  })

  it('comes when its head is torn', async () => {
    const address = await serve(async (socket) => {
      for (const byte of 'HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno') {
        socket.write(byte)
        await new Promise(setImmediate)
      }
    })
    const response = await Response.get(address, '/', signal())
    expect(response.status).toBe(404)
    expect(await response.text()).toBe('no')
  })

  it.each([
    ['amid a chunk', 'Transfer-Encoding: chunked\r\n\r\n9\r\nhello', /amid its answer/],
    ['before the last chunk', 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', /amid its answer/],
    ['before its length', 'Content-Length: 9\r\n\r\nhello', /amid its answer/],
  ])('that ends %s fails, after what came', async (_, rest, message) => {
    const address = await serve((socket) => socket.end(`HTTP/1.1 200 OK\r\n${rest}`))
    const got: string[] = []
    const read = async () => {
      for await (const bytes of await Response.get(address, '/', signal())) got.push(bytes.toString())
    }
    await expect(read()).rejects.toThrow(message)
    expect(got.join('')).toBe('hello')
  })

  it.each([
    ['closes', '', /without an answer/],
    ['speaks something else', 'SSH-2.0-x\r\n\r\n', /does not speak HTTP/],
    ['never ends its head', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`, /head of its answer/],
  ])('fails when the server %s', async (_, text, message) => {
    const address = await serve((socket) => socket.end(text))
    await expect(Response.get(address, '/', signal())).rejects.toThrow(message)
  })

  it('fails when nobody listens, and when the signal aborts', async () => {
    await expect(Response.get({ socketPath: '/nowhere/docker.sock' }, '/', signal())).rejects.toThrow(/ENOENT/)
    const address = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\n\r\nhello'))
    const stop = new AbortController()
    const response = await Response.get(address, '/', stop.signal)
    setImmediate(() => stop.abort())
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('is let go when its reader leaves', async () => {
    const closed = Promise.withResolvers<void>()
    const address = await serve((socket) => {
      socket.on('close', () => closed.resolve())
      socket.write('HTTP/1.1 200 OK\r\n\r\nhello')
    })
    for await (const bytes of await Response.get(address, '/', signal())) if (bytes.length > 0) break
    await closed.promise
  })
})
