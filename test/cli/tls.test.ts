import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../lab/run.ts'
import { frame, runCli } from './scripted.ts'

let folder: string
let server: Server
let port: number
const cert = () => join(folder, 'cert.pem')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarmlogs-tls-'))
  const key = join(folder, 'key.pem')
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  await run('openssl', [...request, ...names, '-keyout', key, '-out', cert()])
  server = createServer({ cert: await readFile(cert()), key: await readFile(key) }, (_, response) =>
    response.end(frame(1, 'x\n')),
  )
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(async () => {
  server.close()
  await rm(folder, { recursive: true })
})

const tail = (url: string, ...args: string[]) => runCli(['tail', '-n', '1', '--url', url, ...args])

it('reads over https from a server whose certificate authority it is given', async () => {
  expect(await tail(`https://localhost:${port}`, '--tls-ca', cert())).toMatchObject({
    code: 0,
    stdout: 'x\n',
    stderr: '',
  })
})

it('says what to do about a certificate that it does not trust', async () => {
  const { code, stderr } = await tail(`https://localhost:${port}`)
  expect(code).toBe(1)
  expect(stderr).toMatch(/self-signed certificate; give the certificate authority with --tls-ca or SWARMLOGS_TLS_CA\n$/)
})

it('finds a server with TLS alive, whatever its certificate is made for', async () => {
  const args = ['healthcheck', '--listen', `localhost:${port}`, '--tls-cert', cert()]
  expect(await runCli(args)).toMatchObject({ code: 0, stderr: '' })
})
