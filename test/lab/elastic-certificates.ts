import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.ts'

/** The files that a secured cluster of the lab needs, in one folder. */
export const CERTIFICATE_FILES = ['ca.pem', 'node.pem', 'node.key'] as const

/** Makes an authority and one certificate for all nodes, good for localhost and 127.0.0.1; answers the authority's file. */
export async function makeCertificates(dir: string): Promise<string> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  await openssl('req', '-x509', ...key, '-days', '30', '-subj', '/CN=lab-ca', '-keyout', 'ca.key', '-out', 'ca.pem')
  await openssl('req', ...key, '-subj', '/CN=localhost', '-keyout', 'node.key', '-out', 'node.csr')
  writeFileSync(join(dir, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  const authority = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '30']
  await openssl('x509', '-req', '-in', 'node.csr', ...authority, '-extfile', 'names', '-out', 'node.pem')
  return join(dir, 'ca.pem')
}
