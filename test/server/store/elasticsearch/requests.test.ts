import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { expect, it } from 'vitest'
import { failureOf } from '../../../../server/store/elasticsearch/failure.ts'
import { Requests } from '../../../../server/store/elasticsearch/requests.ts'

it('makes errors that hold neither what was sent nor who sent it, and does not go through that', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(413, { 'content-type': 'application/json' }).end('{}')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const urls = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  const requests = new Requests({ urls, auth: { apiKey: 'c2VjcmV0' } })
  let looks = 0
  const lines = Object.defineProperty(Buffer.from('a line\n'), 'mark', { enumerable: true, get: () => looks++ })
  const error: unknown = await requests.send('POST', '/_bulk', { lines }).catch((thrown: unknown) => thrown)
  expect(failureOf(error)).toBe('too-large')
  expect(looks).toBe(0)
  const text = `${inspect(error, { depth: 9 })}${JSON.stringify(error)}`
  expect(text).not.toMatch(/a line|c2VjcmV0/)
  await requests.close()
  server.close()
})
