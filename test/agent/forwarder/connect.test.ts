import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dial } from '../../../agent/forwarder/dial.ts'
import { Forwarder, type ForwarderOptions } from '../../../agent/forwarder.ts'
import { Spool } from '../../../agent/spool.ts'
import { chunkOf, recordingLog, silent, temporaryDir } from '../chunks.ts'
import { type Receiver, startReceiver } from './receiver.ts'

describe('a login with a shared key', () => {
  it('succeeds when both know the key', async () => {
    const receiver = await startReceiver({ key: 'right' })
    await shipped(receiver, { sharedKeys: () => ['right'] })
  })

  it('tries the next key when the first is refused', async () => {
    const receiver = await startReceiver({ key: 'new' })
    await shipped(receiver, { sharedKeys: () => ['old', 'new'] })
    expect(receiver.connections).toBe(2)
  })

  const refusals: [string, { key?: string; isMute?: boolean }, string[], string, RegExp][] = [
    ['the keys differ', { key: 'theirs' }, ['ours'], 'SWARMLOGS_UNAUTHORIZED', /keys differ: --shared-key-file/],
    [
      'only the server has one',
      { key: 'theirs' },
      [],
      'SWARMLOGS_UNAUTHORIZED',
      /wants a shared key: .*--shared-key-file/,
    ],
  ]

  it.each(refusals)('fails with a hint when %s', async (_, options, keys, code, message) => {
    const receiver = await startReceiver(options)
    expect(await complaint(receiver.port, { sharedKeys: () => keys })).toMatchObject({
      code,
      message: expect.stringMatching(message),
    })
    expect(receiver.frames).toEqual([])
  })

  it('does not send a line to a server that does not prove that it knows the key', async () => {
    const receiver = await startReceiver({ key: 'right', liesInPong: true })
    const error = await complaint(receiver.port, { sharedKeys: () => ['right'] })
    expect(error).toMatchObject({ code: 'SWARMLOGS_UNAUTHORIZED', message: expect.stringContaining('did not prove') })
  })
})

describe('a connection with TLS', () => {
  it('succeeds with the CA, and the key on top', async () => {
    const { cert, key, caFile } = certificate()
    const receiver = await startReceiver({ key: 'k', tls: { cert, key } })
    await shipped(receiver, {
      sharedKeys: () => ['k'],
      server: { host: '127.0.0.1', port: receiver.port, tls: { caFile } },
    })
  })

  it('fails with a hint at --tls-ca when the certificate is not trusted', async () => {
    const { cert, key } = certificate()
    const { port } = await startReceiver({ tls: { cert, key } })
    const error = await complaint(port, { server: { host: '127.0.0.1', port, tls: {} } })
    expect(error).toMatchObject({ message: expect.stringContaining('--tls-ca') })
  })

  it('fails with a hint when the certificate is for another name', async () => {
    const { cert, key, caFile } = certificate('IP:127.0.0.9')
    const { port } = await startReceiver({ tls: { cert, key } })
    const error = await complaint(port, { server: { host: '127.0.0.1', port, tls: { caFile } } })
    expect(error.message).toMatch(/does not match|not in the cert/)
  })

  it('succeeds with the very certificate, whatever names it is for, and with no other', async () => {
    const { cert, key, caFile: certFile } = certificate('IP:127.0.0.9')
    const receiver = await startReceiver({ tls: { cert, key } })
    await shipped(receiver, { server: { host: '127.0.0.1', port: receiver.port, tls: { certFile } } })
    const other = certificate('IP:127.0.0.1')
    const error = await complaint(receiver.port, {
      server: { host: '127.0.0.1', port: receiver.port, tls: { certFile: other.caFile } },
    })
    expect(error).toMatchObject({ message: expect.stringContaining('self-signed') })
  })

  it('fails with a hint at the server’s setting when that speaks none', async () => {
    const { port } = await startReceiver({ key: 'k' })
    const error = await complaint(port, { server: { host: '127.0.0.1', port, tls: {} } })
    expect(error).toMatchObject({ message: expect.stringContaining('--tls-cert') })
  })

  it('fails with a hint at --tls when only the server speaks it', async () => {
    const { cert, key } = certificate()
    const { port } = await startReceiver({ tls: { cert, key } })
    expect(await complaint(port)).toMatchObject({ message: expect.stringContaining('set --tls') })
  })
})

describe('a server that cannot be reached', () => {
  it('is named with its address and what it answered', async () => {
    const error = await complaint(1)
    expect(error).toMatchObject({
      code: 'SWARMLOGS_SERVER_UNAVAILABLE',
      message: expect.stringMatching(/127\.0\.0\.1:1: 127\.0\.0\.1: connect ECONNREFUSED/),
    })
  })

  it('is named when its name does not resolve', async () => {
    const error = await complaint(1, { server: { host: 'no-such-host.invalid', port: 1 } })
    expect(error.message).toMatch(/cannot find the server's address.*--server/)
  })

  it('is found behind an address that refuses', async () => {
    const { port } = await startReceiver()
    const resolve = async () => ['127.0.0.2', '127.0.0.1']
    const socket = await dial({ host: 'tasks.server', port }, new AbortController().signal, resolve)
    expect(socket.remoteAddress).toBe('127.0.0.1')
    socket.destroy()
  })

  it('is tried again until it is there, with one line in the log', async () => {
    const port = await freePort()
    const { log, lines } = recordingLog()
    const spool = await spoolWithOne()
    const running = forward(spool, port, { log })
    while (lines.length === 0) await new Promise(setImmediate)
    const receiver = await startReceiver({ port })
    await receiver.until(({ ids }) => ids.length === 1)
    await running.stop()
    expect(lines.filter(({ level }) => level === 40)).toHaveLength(1)
  })
})

/** The error that the first failed try is logged with. */
async function complaint(
  port: number,
  options: Partial<ForwarderOptions> = {},
): Promise<{ code: string; message: string }> {
  const { log, lines } = recordingLog()
  const running = forward(await spoolWithOne(), port, { log, ...options })
  while (lines.length === 0) await new Promise(setImmediate)
  await running.stop()
  return { code: String(lines[0]?.code), message: String(lines[0]?.reason) }
}

/** Resolves when the one chunk has arrived. */
async function shipped(receiver: Receiver, options: Partial<ForwarderOptions>): Promise<void> {
  const running = forward(await spoolWithOne(), receiver.port, options)
  await receiver.until(({ ids }) => ids.length === 1)
  await running.stop()
}

async function spoolWithOne(): Promise<Spool> {
  const spool = new Spool({ dir: temporaryDir(), maxBytes: 1 << 30, log: silent })
  onTestFinished(() => spool.close())
  await spool.append(chunkOf('a'), new AbortController().signal)
  return spool
}

function forward(spool: Spool, port: number, options: Partial<ForwarderOptions>) {
  const hello = () => ({ format: 1, version: '1', nodeId: 'n', nodeName: 'node1' })
  const defaults = { server: { host: '127.0.0.1', port }, hello, spool, onStore: () => {}, log: silent }
  const stop = new AbortController()
  const running = new Forwarder({ ...defaults, ...options }).run(stop.signal)
  return {
    async stop() {
      stop.abort()
      await running
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** A certificate that signs itself, for an address. */
function certificate(subject = 'IP:127.0.0.1') {
  const dir = temporaryDir()
  const [keyFile, caFile] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const name = ['-subj', '/CN=server', '-addext', `subjectAltName=${subject}`]
  execFileSync('openssl', [...request, ...name, '-keyout', keyFile, '-out', caFile], { stdio: 'pipe' })
  return { cert: readFileSync(caFile), key: readFileSync(keyFile), caFile }
}
