import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElasticSettings } from './elastic-node.ts'
import { run } from './run.ts'

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

/** TLS for both layers and one superuser, who is in a file so that every node knows them from its start. */
export async function makeSecurity(dir: string): Promise<Security> {
  mkdirSync(dir)
  await makeCertificates(dir)
  const password = randomBytes(12).toString('hex')
  const passwordFile = join(dir, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  const tls = { enabled: true, key: 'node.key', certificate: 'node.pem', certificate_authorities: ['ca.pem'] }
  const layers = ['http', 'transport'].flatMap((layer) =>
    Object.entries(tls).map(([name, value]) => [`xpack.security.${layer}.ssl.${name}`, value] as const),
  )
  return {
    settings: { 'xpack.security.enabled': true, ...Object.fromEntries(layers) },
    files: ['ca.pem', 'node.pem', 'node.key'].map((name) => join(dir, name)),
    texts: { users: `${USER}:${hashOf(password)}\n`, users_roles: `superuser:${USER}\n` },
    access: { caFile: join(dir, 'ca.pem'), user: USER, password, passwordFile },
  }
}

/** An authority and one certificate for all nodes, good for localhost and 127.0.0.1. */
async function makeCertificates(dir: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...key, '-days', '30', '-subj', '/CN=lab-ca', '-keyout', 'ca.key', '-out', 'ca.pem')
  await openssl('req', ...key, '-subj', '/CN=localhost', '-keyout', 'node.key', '-out', 'node.csr')
  writeFileSync(join(dir, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30']
  await openssl('x509', '-req', '-in', 'node.csr', ...authority, '-extfile', 'names', '-out', 'node.pem')
}

/** A password as Elasticsearch's file of users wants it; its own tools take seconds for this. */
function hashOf(password: string): string {
  const [rounds, salt] = [10_000, randomBytes(32)]
  const hash = pbkdf2Sync(password, salt, rounds, 32, 'sha512')
  return `{PBKDF2}${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`
}
