import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Elastic } from './elastic.ts'
import { call } from './elastic-call.ts'

/** The cluster of ELASTICSEARCH_URL (comma-separated, `https://USER:PASSWORD@HOST:PORT` with ELASTICSEARCH_CA): used, never killed. */
export function givenElastic(list: string, caFile = process.env.ELASTICSEARCH_CA || undefined): Elastic {
  const given = list.split(',').map((one) => new URL(one.trim()))
  const [first] = given
  const user = decodeURIComponent(first?.username ?? '')
  const password = decodeURIComponent(first?.password ?? '')
  const access = {
    urls: given.map(({ origin }) => origin),
    ...(caFile === undefined ? {} : { caFile }),
    ...(user === '' ? {} : { user, password }),
  }
  const dir = mkdtempSync(join(tmpdir(), 'swarmlogs-given-'))
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  const refuse = (): never => {
    throw new Error('cannot do this to the cluster of ELASTICSEARCH_URL: unset it, and the lab starts its own')
  }
  return {
    ...access,
    env: {
      SWARMLOGS_STORE: 'elasticsearch',
      SWARMLOGS_ELASTICSEARCH: access.urls.join(','),
      ...(caFile === undefined ? {} : { SWARMLOGS_ELASTICSEARCH_CA: caFile }),
      ...(user === ''
        ? {}
        : { SWARMLOGS_ELASTICSEARCH_USER: user, SWARMLOGS_ELASTICSEARCH_PASSWORD_FILE: passwordFile }),
    },
    call: (method, path, body, i) => call(access, method, path, { body, only: i }),
    ready: async () => {},
    pid: refuse,
    master: refuse,
    kill: refuse,
    start: refuse,
    pause: refuse,
    resume: refuse,
    stop: async () => rmSync(dir, { recursive: true }),
  }
}
