import { describe, expect, it } from 'vitest'
import { clientConfig, colourConfig, dataFolder, healthUrl, logLevel } from '../../cli/config.ts'

describe('clientConfig', () => {
  it.each([
    [{}, {}, 'http://127.0.0.1:4280/'],
    [{}, { SWARMLOGS_URL: 'http://node1:4280' }, 'http://node1:4280/'],
    [{ url: 'node2:4280' }, { SWARMLOGS_URL: 'http://node1:4280' }, 'http://node2:4280/'],
    [{ url: 'https://logs.example/swarmlogs' }, {}, 'https://logs.example/swarmlogs/'],
  ])('finds the server with %j and %j', (flags, env, expected) => {
    expect(clientConfig(flags, env).url.href).toBe(expected)
  })

  it.each(['', 'ftp://node1', 'http://', 'http://user:secret@node1'])('refuses the URL %j', (url) => {
    expect(() => clientConfig({ url }, {})).toThrow(/^cannot use/)
  })

  it('takes the first of several tokens', () => {
    expect(clientConfig({}, { SWARMLOGS_TOKEN: 'new\nold' }).token).toBe('new')
    expect(clientConfig({}, {}).token).toBeUndefined()
  })

  it('says which certificates it cannot read', () => {
    expect(() => clientConfig({ tlsCa: '/nowhere.pem' }, {})).toThrow(/--tls-ca: ENOENT.*nowhere\.pem/)
  })
})

it.each([
  [{}, 'http://127.0.0.1:4280/'],
  [{ SWARMLOGS_LISTEN: '0.0.0.0:5000' }, 'http://127.0.0.1:5000/'],
  [{ SWARMLOGS_LISTEN: '[::]:5000' }, 'http://127.0.0.1:5000/'],
  [{ SWARMLOGS_LISTEN: '10.0.0.7:5000', SWARMLOGS_TLS_CERT: 'cert.pem' }, 'https://10.0.0.7:5000/'],
])('finds the server of this machine with %j', (env, expected) => {
  expect(healthUrl({}, env).href).toBe(expected)
})

it.each([
  [{}, {}, { colour: 'auto', isPlainTerminal: false }],
  [{}, { NO_COLOR: '' }, { colour: 'auto', isPlainTerminal: false }],
  [{}, { NO_COLOR: '1' }, { colour: 'auto', isPlainTerminal: true }],
  [{ color: 'always' }, { TERM: 'dumb' }, { colour: 'always', isPlainTerminal: true }],
  [{}, { SWARMLOGS_COLOR: 'never' }, { colour: 'never', isPlainTerminal: false }],
])('reads colours from %j and %j', (flags, env, expected) => {
  expect(colourConfig(flags, env)).toEqual(expected)
})

it('refuses words that it does not know', () => {
  expect(() => colourConfig({ color: 'sometimes' }, {})).toThrow('give auto, always or never')
  expect(() => logLevel({ logLevel: 'loud' }, {})).toThrow("cannot use 'loud' for --log-level")
})

it('keeps the data of up where it is told to', () => {
  expect(dataFolder({ data: 'here' }, { SWARMLOGS_DATA: 'there' })).toBe('here')
  expect(dataFolder({}, { SWARMLOGS_DATA: 'there' })).toBe('there')
})
