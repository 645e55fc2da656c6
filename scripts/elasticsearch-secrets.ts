// Makes what stack.elasticsearch.yml needs: certificates, passwords and roles as Docker secrets and configs. The authority's key, and
// the passwords, stay in the folder given (default ./swarmlogs-elasticsearch): keep it somewhere safe.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { makeCertificates, passwordHash, rolesFile } from './elasticsearch-files.ts'

const TEN_YEARS = 3650
const NAMES = ['DNS:es1', 'DNS:es2', 'DNS:es3', 'DNS:localhost', 'IP:127.0.0.1']

const dir = resolve(process.argv[2] ?? 'swarmlogs-elasticsearch')
// Fails when it is there: its secrets are in use, and could not be replaced by others of the same name.
mkdirSync(dir, { mode: 0o700 })
makeCertificates(dir, NAMES, TEN_YEARS)
for (const name of ['swarmlogs_password', 'elastic_password']) write(name, randomBytes(24).toString('hex'))
write('users', `swarmlogs:${passwordHash(read('swarmlogs_password'))}\n`)
write('users_roles', 'swarmlogs:swarmlogs\n')
write('roles.yml', rolesFile('swarmlogs'))

const secrets = {
  key: 'node.key',
  users: 'users',
  password: 'swarmlogs_password',
  elastic_password: 'elastic_password',
}
const configs = { ca: 'ca.pem', cert: 'node.pem', roles: 'roles.yml', users_roles: 'users_roles' }
for (const [name, file] of Object.entries(secrets)) create('secret', name, file)
for (const [name, file] of Object.entries(configs)) create('config', name, file)
process.stdout.write(`made the secrets and configs of stack.elasticsearch.yml; ${dir} has their files: keep it safe\n`)

function create(kind: 'secret' | 'config', name: string, file: string): void {
  execFileSync('docker', [kind, 'create', `swarmlogs_elasticsearch_${name}`, join(dir, file)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

function write(name: string, text: string): void {
  writeFileSync(join(dir, name), text, { mode: 0o600 })
}

function read(name: string): string {
  return readFileSync(join(dir, name), 'utf8')
}
