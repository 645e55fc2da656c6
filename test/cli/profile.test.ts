import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engineAddress } from '../../agent/config.ts'
import { clientConfig } from '../../cli/config.ts'
import { attempt } from '../lab/run.ts'
import { runCli } from './scripted.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'swarmlogs-home-'))
})
afterEach(() => rmSync(home, { recursive: true }))

const write = (path: string, content: unknown) => {
  mkdirSync(join(home, path, '..'), { recursive: true })
  writeFileSync(join(home, path), typeof content === 'string' ? content : JSON.stringify(content))
}

describe('profiles', () => {
  beforeEach(() => {
    write('token', 'secret\n')
    const prod = { url: 'https://logs.example:4280', 'token-file': '~/token' }
    write('.config/swarmlogs/config.json', { profile: 'lab', profiles: { prod, lab: { url: 'lab:1' } } })
  })
  const read = (flags: Record<string, string>, env: Record<string, string> = {}) => {
    const { url, token } = clientConfig(flags, { HOME: home, ...env })
    return [url.href, token]
  }

  it('stand for all variables when they are named, and for none that is set when they are not', () => {
    expect(read({ profile: 'prod' }, { SWARMLOGS_URL: 'http://x', SWARMLOGS_TOKEN: 't' })).toEqual([
      'https://logs.example:4280/',
      'secret',
    ])
    expect(read({}, { SWARMLOGS_PROFILE: 'prod' })[0]).toBe('https://logs.example:4280/')
    expect(read({})).toEqual(['http://lab:1/', undefined])
    expect(read({}, { SWARMLOGS_TOKEN: 't' })).toEqual(['http://127.0.0.1:4280/', 't'])
    expect(read({ profile: 'prod', url: 'http://y' })).toEqual(['http://y/', 'secret'])
  })

  it('that are not there, or hold what they should not, are errors', () => {
    expect(() => read({ profile: 'x' })).toThrow(/cannot find the profile 'x' in .*config.json: there are prod, lab/)
    expect(() => read({ profile: 'toString' })).toThrow(/cannot find/)
    write('.config/swarmlogs/config.json', { profiles: { a: { colour: 'red' } } })
    expect(() => read({ profile: 'a' })).toThrow("cannot use 'colour' of the profile 'a'")
    write('.config/swarmlogs/config.json', '{')
    expect(() => read({})).toThrow(/cannot read the profiles in/)
  })
})

describe('Docker contexts', () => {
  const address = (env: Record<string, string>) => engineAddress({}, { DOCKER_CONFIG: home, ...env })
  beforeEach(() => {
    const id = createHash('sha256').update('far').digest('hex')
    write(`contexts/meta/${id}/meta.json`, { Name: 'far', Endpoints: { docker: { Host: 'ssh://me@far' } } })
  })

  it('are found as docker finds them', () => {
    expect(address({})).toMatchObject({ host: undefined })
    expect(address({ DOCKER_CONTEXT: 'far' })).toMatchObject({ host: 'ssh://me@far', tls: false })
    write('config.json', { currentContext: 'far' })
    expect(address({})).toMatchObject({ host: 'ssh://me@far' })
    expect(address({ DOCKER_CONTEXT: 'default' })).toMatchObject({ host: undefined })
    expect(address({ DOCKER_HOST: 'tcp://x:1' })).toMatchObject({ host: 'tcp://x:1' })
    expect(() => address({ DOCKER_CONTEXT: 'away' })).toThrow("cannot use the Docker context 'away'")
  })
})

describe('plugin', () => {
  it('is a program that tells docker what it is, and starts ours behind what docker puts before', async () => {
    const { code, stdout } = await runCli(['plugin', 'install'], { HOME: home })
    const path = join(home, '.docker/cli-plugins/docker-swarmlogs')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `installed ${path}: docker swarmlogs --help\n` })
    expect(statSync(path).mode & 0o777).toBe(0o755)
    const metadata = await attempt(path, ['docker-cli-plugin-metadata'])
    expect(JSON.parse(metadata.stdout)).toMatchObject({ SchemaVersion: '0.1.0', Vendor: 'swarmlogs' })
    expect((await attempt(path, ['--host', 'tcp://x', 'swarmlogs', 'version', '--client'])).stdout).toMatch(
      /^swarmlogs \d/,
    )
    const direct = await attempt(path, ['-H', 'tcp://127.0.0.1:1', 'swarmlogs', 'tail', '-n', '1', '--direct'])
    expect(direct.stderr).toContain('cannot read from Docker at tcp://127.0.0.1:1')
    expect((await runCli(['plugin', 'uninstall'], { HOME: home })).code).toBe(0)
    expect(() => readFileSync(path)).toThrow()
  })
})

describe('man', () => {
  it('has every command, and nothing that roff takes for a request of ours', async () => {
    const { stdout } = await runCli(['man'])
    expect(stdout).toMatch(/^\.TH SWARMLOGS 1/)
    expect(stdout).toContain('.SS swarmlogs tail [TARGET|QUERY...]\n')
    const requests = new Set(stdout.match(/^[.'].\w*/gm))
    expect([...requests].sort()).toEqual(['.B', '.I', '.PP', '.SH', '.SS', '.TH', '.TP', '.fi', '.nf'])
  })
})
