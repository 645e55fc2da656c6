import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates, passwordHash, rolesFile } from '../../scripts/elasticsearch-files.ts'
import type { ElasticSettings } from './elastic-node.ts'

/** What a secured cluster needs on each node, and how it is reached. */
export interface Security {
  readonly settings: ElasticSettings
  /** Files to put beside elasticsearch.yml. */
  readonly files: readonly string[]
  /** Text to add to files beside elasticsearch.yml, by name. */
  readonly texts: Readonly<Record<string, string>>
  readonly access: {
    readonly caFile: string
    readonly user: string
    readonly password: string
    readonly passwordFile: string
  }
}

const USER = 'swarmlogs-lab'

/**
 * TLS for both layers, a superuser, and the user `swarmlogs` with the least privileges and the same password. They are in files, so that
 * every node knows them from its start.
 */
export function makeSecurity(dir: string): Security {
  mkdirSync(dir)
  makeCertificates(dir, ['DNS:localhost', 'IP:127.0.0.1'], 30)
  const password = randomBytes(12).toString('hex')
  const hash = passwordHash(password)
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  const tls = { enabled: true, key: 'node.key', certificate: 'node.pem', certificate_authorities: ['ca.pem'] }
  const layers = ['http', 'transport'].flatMap((layer) =>
    Object.entries(tls).map(([name, value]) => [`xpack.security.${layer}.ssl.${name}`, value] as const),
  )
  return {
    settings: { 'xpack.security.enabled': true, ...Object.fromEntries(layers) },
    files: ['ca.pem', 'node.pem', 'node.key'].map((name) => join(dir, name)),
    texts: {
      users: `${USER}:${hash}\nswarmlogs:${hash}\n`,
      users_roles: `superuser:${USER}\nswarmlogs:swarmlogs\n`,
      'roles.yml': rolesFile('swarmlogs'),
    },
    access: { caFile: join(dir, 'ca.pem'), user: USER, password, passwordFile },
  }
}
