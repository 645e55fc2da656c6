import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { listSetting, setting, switchSetting } from '../../shared/settings.ts'

const folder = mkdtempSync(join(tmpdir(), 'swarmlogs-settings-'))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('setting', () => {
  it('takes the flag before the environment', () => {
    expect(setting({ maxSize: '1g' }, { SWARMLOGS_MAX_SIZE: '2g' }, 'max-size')).toBe('1g')
    expect(setting({}, { SWARMLOGS_MAX_SIZE: '2g' }, 'max-size')).toBe('2g')
    expect(setting({}, {}, 'max-size')).toBeUndefined()
  })

  it('reads a file without its last newline', () => {
    expect(setting({}, { SWARMLOGS_TOKEN_FILE: file('a', 'one\ntwo\n') }, 'token')).toBe('one\ntwo')
    expect(setting({}, { SWARMLOGS_TOKEN_FILE: file('b', 'one\r\n') }, 'token')).toBe('one')
    expect(setting({}, { SWARMLOGS_TOKEN_FILE: file('c', 'one\n\n') }, 'token')).toBe('one\n')
    expect(setting({ tokenFile: file('d', 'flag') }, { SWARMLOGS_TOKEN: 'env' }, 'token')).toBe('flag')
  })

  it('counts an empty variable as not given, and refuses an empty flag', () => {
    expect(setting({}, { SWARMLOGS_URL: '', SWARMLOGS_URL_FILE: '' }, 'url')).toBeUndefined()
    expect(() => setting({ url: '' }, {}, 'url')).toThrow('cannot use an empty --url')
  })

  it('refuses a value and a file together', () => {
    const env = { SWARMLOGS_TOKEN: 'x', SWARMLOGS_TOKEN_FILE: '/nowhere' }
    expect(() => setting({}, env, 'token')).toThrow('cannot use SWARMLOGS_TOKEN and SWARMLOGS_TOKEN_FILE together')
  })

  it('says which file it cannot use', () => {
    expect(() => setting({}, { SWARMLOGS_TOKEN_FILE: '/nowhere/token' }, 'token')).toThrow(
      /^cannot read the file that SWARMLOGS_TOKEN_FILE names: ENOENT.*\/nowhere\/token/,
    )
    expect(() => setting({}, { SWARMLOGS_TOKEN_FILE: file('empty', '\n') }, 'token')).toThrow(/empty is empty$/)
  })
})

describe('switchSetting', () => {
  it.each([
    [{ insecure: true }, {}, true],
    [{ insecure: false }, { SWARMLOGS_INSECURE: '1' }, false],
    [{}, { SWARMLOGS_INSECURE: 'true' }, true],
    [{}, { SWARMLOGS_INSECURE: '0' }, false],
    [{}, {}, false],
  ])('reads %j and %j', (flags, env, expected) => {
    expect(switchSetting(flags, env, 'insecure')).toBe(expected)
  })

  it('refuses other words', () => {
    expect(() => switchSetting({}, { SWARMLOGS_INSECURE: 'yes' }, 'insecure')).toThrow(
      "cannot use 'yes' for SWARMLOGS_INSECURE: give true or false",
    )
  })
})

describe('listSetting', () => {
  it('joins repeated flags and splits at commas', () => {
    expect(listSetting({ fluentdAddress: ['a:1', 'b:2,c:3'] }, {}, 'fluentd-address')).toEqual(['a:1', 'b:2', 'c:3'])
    expect(listSetting({}, { SWARMLOGS_FLUENTD_ADDRESS: 'a:1, b:2,' }, 'fluentd-address')).toEqual(['a:1', 'b:2'])
    expect(listSetting({}, {}, 'fluentd-address')).toEqual([])
  })
})
