import { execFileSync } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What swarmlogs needs to be allowed to do in Elasticsearch, and nothing more; README.md lists it, too. */
export const ROLE = {
  cluster: ['monitor', 'manage_index_templates'],
  indices: [
    {
      names: ['swarmlogs', 'swarmlogs-*'],
      privileges: ['create_index', 'delete_index', 'read', 'write', 'maintenance', 'monitor', 'view_index_metadata'],
    },
  ],
}

/** Elasticsearch's roles.yml with that role under a name. JSON is YAML, but each line that begins at the margin must begin a role. */
export function rolesFile(name: string): string {
  return `${name}: ${JSON.stringify(ROLE)}\n`
}

/** A password as Elasticsearch's file of users wants it. */
export function passwordHash(password: string): string {
  const [rounds, salt] = [10_000, randomBytes(32)]
  const hash = pbkdf2Sync(password, salt, rounds, 32, 'sha512')
  return `{PBKDF2}${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Makes an authority (ca.pem, ca.key) and one certificate for all nodes (node.pem, node.key) in a folder. */
export function makeCertificates(dir: string, names: readonly string[], days: number): void {
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const lifetime = ['-days', String(days)]
  openssl('req', '-x509', ...key, ...lifetime, '-subj', '/CN=swarmlogs-ca', '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl('req', ...key, '-subj', '/CN=elasticsearch', '-keyout', 'node.key', '-out', 'node.csr')
  writeFileSync(join(dir, 'names'), `subjectAltName=${names.join(',')}\n`)
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', ...lifetime]
  openssl('x509', '-req', '-in', 'node.csr', ...authority, '-extfile', 'names', '-out', 'node.pem')
  for (const rest of ['names', 'node.csr', 'ca.srl']) rmSync(join(dir, rest), { force: true })
}
