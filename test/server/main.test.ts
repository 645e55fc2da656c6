import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { serverConfig } from '../../server/config.ts'
import { runServer, type ServerAddresses } from '../../server/main.ts'
import { Events } from './events.ts'

describe('runServer', () => {
  let dir: string
  let stop: AbortController
  let running: Promise<void> | undefined
  let lines: { msg: string }[]
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'swarmlogs-main-'))
    stop = new AbortController()
    lines = []
  })
  afterEach(async () => {
    stop.abort()
    await running?.catch(() => {})
    rmSync(dir, { recursive: true })
  })

  async function run(flags: Record<string, unknown> = {}): Promise<ServerAddresses> {
    const config = serverConfig(
      { data: join(dir, 'data'), listen: '127.0.0.1:0', forward: '127.0.0.1:0', ...flags },
      {},
    )
    const log = pino({}, { write: (text: string) => lines.push(JSON.parse(text)) })
    const ready = Promise.withResolvers<ServerAddresses>()
    running = runServer(config, log, stop.signal, ready.resolve)
    running.catch(ready.reject)
    return ready.promise
  }

  /** Changes a file, sends SIGHUP and waits for the server to log this. */
  async function changed(change: () => void, message: string): Promise<void> {
    lines.length = 0
    change()
    process.emit('SIGHUP')
    await expect.poll(() => lines.some(({ msg }) => msg === message)).toBe(true)
  }

  it('serves both ports, and stops quickly with tails open', async () => {
    const { http, forward } = await run()
    expect(await (await fetch(`${http}/readyz`)).json()).toEqual({ status: 'ok' })
    const [host, port] = forward.split(':')
    const socket = connectPlain(Number(port), host)
    await once(socket, 'connect')
    const tail = new Events(`${http}/api/v1/tail`)
    await tail.until('live')
    const start = performance.now()
    stop.abort()
    await running
    expect(performance.now() - start).toBeLessThan(9_000)
    const [note] = await tail.until('never')
    expect(JSON.parse(note?.data ?? '')).toMatchObject({ code: 'shutdown' })
    await expect(fetch(`${http}/livez`)).rejects.toThrow()
    socket.destroy()
  })

  it('keeps the lines of a service for as long as a rule says', async () => {
    const { http } = await run({ retention: '2d', retentionRule: ['audit*=9d', 'debug=12h'] })
    const time = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString()
    for (const service of ['audit-log', 'web', 'debug']) {
      const body = [1, 30, 100, 300].map((hours) => `{"message":"x","@timestamp":"${time(hours)}"}`).join('\n')
      const headers = { 'content-type': 'application/x-ndjson' }
      const answer = await fetch(`${http}/api/v1/ingest?service=${service}`, { method: 'POST', headers, body })
      expect(answer.status).toBe(200)
    }
    const counts = ['audit-log', 'web', 'debug'].map(async (service) =>
      (await fetch(`${http}/api/v1/count?service=${service}`)).json(),
    )
    expect(await Promise.all(counts)).toMatchObject([{ records: 3 }, { records: 2 }, { records: 1 }])
  })

  it('can be started again where it was', async () => {
    const first = await run()
    const { store } = await (await fetch(`${first.http}/api/v1/version`)).json()
    stop.abort()
    await running
    stop = new AbortController()
    const second = await run()
    expect((await (await fetch(`${second.http}/api/v1/version`)).json()).store).toEqual(store)
  })

  it('says which address is taken, and lets go of what it had opened', async () => {
    const { http } = await run()
    const other = { data: join(dir, 'other'), listen: new URL(http).host, forward: '127.0.0.1:0' }
    const log = pino({ level: 'silent' })
    const failed = runServer(serverConfig(other, {}), log, stop.signal)
    await expect(failed).rejects.toMatchObject({
      code: 'SWARMLOGS_CONFIG',
      message: expect.stringMatching(/^cannot listen for HTTP on 127/),
    })
    const again = new AbortController()
    await runServer(serverConfig({ ...other, listen: '127.0.0.1:0' }, {}), log, again.signal, () => again.abort())
  })

  it('refuses files that are no secrets or no certificate', async () => {
    const file = join(dir, 'file')
    writeFileSync(file, '\n \n')
    await expect(run({ tokenFile: file })).rejects.toMatchObject({ code: 'SWARMLOGS_CONFIG' })
    await expect(run({ tlsCert: file, tlsKey: file })).rejects.toThrow(/^cannot use the certificate/)
  })

  it('reads tokens anew, and keeps the old ones when it cannot', async () => {
    const file = join(dir, 'tokens')
    writeFileSync(file, 'one\r\n\r\n two \n')
    const { http } = await run({ tokenFile: file })
    const status = async (token: string) =>
      (await fetch(`${http}/api/v1/version`, { headers: { authorization: `Bearer ${token}` } })).status
    expect(await Promise.all(['one', 'two', 'three', ''].map(status))).toEqual([200, 200, 401, 401])
    await changed(() => writeFileSync(file, 'two\nthree\n'), 'secrets were read anew')
    expect(await Promise.all(['one', 'two', 'three', ''].map(status))).toEqual([401, 200, 200, 401])
    await changed(() => rmSync(file), 'secrets could not be read anew: the old ones stay valid')
    expect(await Promise.all(['one', 'two', 'three', ''].map(status))).toEqual([401, 200, 200, 401])
  })

  it('sees by itself that a file has changed', async () => {
    const file = join(dir, 'tokens')
    writeFileSync(file, 'one\n')
    const { http } = await run({ tokenFile: file })
    writeFileSync(file, 'three\n')
    const status = async () =>
      (await fetch(`${http}/api/v1/version`, { headers: { authorization: 'Bearer three' } })).status
    await expect.poll(status, { timeout: 10_000 }).toBe(200)
  })

  it('serves TLS on both ports, and changes the certificate without a restart', async () => {
    const [cert, key] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
    certify('first', cert, key)
    const { http, forward } = await run({ tlsCert: cert, tlsKey: key })
    expect(http).toMatch(/^https:/)
    const ports = [new URL(http).port, forward.split(':')[1] ?? '']
    expect(await Promise.all(ports.map(nameAt))).toEqual(['first', 'first'])
    certify('second', join(dir, 'cert2.pem'), join(dir, 'key2.pem'))
    await changed(
      () => copyFileSync(join(dir, 'cert2.pem'), cert),
      'certificate could not be read anew: the old one stays in use',
    )
    expect(await Promise.all(ports.map(nameAt))).toEqual(['first', 'first'])
    await changed(() => copyFileSync(join(dir, 'key2.pem'), key), 'certificate was read anew')
    expect(await Promise.all(ports.map(nameAt))).toEqual(['second', 'second'])
  })
})

function certify(name: string, cert: string, key: string): void {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', [...request, '-subj', `/CN=${name}`, '-keyout', key, '-out', cert], { stdio: 'pipe' })
}

/** The common name of the certificate that a port shows. */
async function nameAt(port: string): Promise<string> {
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return String(name)
}
