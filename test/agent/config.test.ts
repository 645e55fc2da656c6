import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { agentConfig } from '../../agent/config.ts'
import { readSharedKeys } from '../../agent/shared-keys.ts'
import { temporaryDir } from './chunks.ts'

const refused = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

describe('agentConfig', () => {
  it('has a default for everything', () => {
    expect(agentConfig({}, {})).toMatchObject({
      docker: { host: undefined, tls: false, certPath: undefined },
      server: { host: '127.0.0.1', port: 24224 },
      sharedKeys: { kind: 'none' },
      nodeName: '',
      cluster: '',
      backfillNs: 86_400_000_000_000n,
      spoolBytes: 1 << 30,
      includeSelf: false,
      fluentdAddresses: ['127.0.0.1:24224'],
      stopGraceMs: 100_000,
      lockWaitMs: 120_000,
    })
  })

  it('takes flags before the environment', () => {
    const env = { SWARMLOGS_SERVER: 'localhost:1', SWARMLOGS_STATE: '/env', SWARMLOGS_BACKFILL: '2h' }
    const config = agentConfig({ server: '[::1]:2', backfill: '1h30m' }, env)
    expect(config).toMatchObject({
      server: { host: '::1', port: 2 },
      stateDir: '/env',
      backfillNs: 5_400_000_000_000n,
    })
  })

  it('finds the engine as the docker command does, unless --docker says otherwise', () => {
    const env = { DOCKER_HOST: 'tcp://engine:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }
    expect(agentConfig({}, env).docker).toEqual({ host: 'tcp://engine:2376', tls: true, certPath: '/certs' })
    expect(agentConfig({ docker: 'unix:///d.sock' }, env).docker.host).toBe('unix:///d.sock')
  })

  it('sends to another machine only with a shared key, or when told that it is well so', () => {
    const server = 'tasks.server:24224'
    expect(() => agentConfig({ server }, {})).toThrow(refused('SWARMLOGS_CONFIG', /shared key.*--shared-key-file/))
    expect(agentConfig({ server, insecure: true }, {}).server.host).toBe('tasks.server')
    expect(agentConfig({ server }, { SWARMLOGS_SHARED_KEY: 'k' }).sharedKeys).toEqual({ kind: 'text', text: 'k' })
  })

  it.each(['127.0.0.1:1', '127.9.9.9:1', 'localhost:1', '[::1]:1', '0.0.0.0:1'])(
    'knows %s as this machine',
    (server) => {
      expect(agentConfig({ server }, {}).sharedKeys.kind).toBe('none')
    },
  )

  it('keeps the path of a key file, whose lines are keys', () => {
    const path = join(temporaryDir(), 'key')
    writeFileSync(path, 'one\n\n two \n')
    const { sharedKeys } = agentConfig({}, { SWARMLOGS_SHARED_KEY_FILE: path })
    expect(sharedKeys).toEqual({ kind: 'file', path })
    expect(readSharedKeys(sharedKeys)).toEqual(['one', 'two'])
  })

  it('refuses a key file that holds none', () => {
    const path = join(temporaryDir(), 'key')
    writeFileSync(path, '\n\n')
    expect(() => agentConfig({ sharedKeyFile: path }, {})).toThrow(refused('SWARMLOGS_CONFIG', /it is empty/))
  })

  it('speaks TLS when told to, or when given a CA', () => {
    expect(agentConfig({ tls: true }, {}).server.tls).toEqual({ caFile: undefined })
    expect(agentConfig({ tlsCa: '/ca.pem' }, {}).server.tls).toEqual({ caFile: '/ca.pem' })
  })

  it.each([
    [{ server: 'nowhere' }, /--server \(SWARMLOGS_SERVER\).*HOST:PORT/],
    [{ server: 'a:70000' }, /HOST:PORT/],
    [{ backfill: 'long' }, /--backfill, SWARMLOGS_BACKFILL/],
    [{ spoolSize: '0' }, /--spool-size/],
    [{ spoolSize: 'big' }, /--spool-size, SWARMLOGS_SPOOL_SIZE/],
  ])('says what is wrong with %j', (flags, message) => {
    expect(() => agentConfig(flags, {})).toThrow(refused('SWARMLOGS_CONFIG', message))
  })
})
