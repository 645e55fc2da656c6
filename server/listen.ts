import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { SwarmlogsError } from '../shared/errors.ts'
import type { Listen } from './config.ts'

/** Has the HTTP server listen; answers HOST:PORT. Throws SWARMLOGS_CONFIG, and closes it then. */
export async function listenHttp(app: FastifyInstance, { host, port }: Listen): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError(
      'SWARMLOGS_CONFIG',
      `cannot listen for HTTP on ${host}:${port}: ${reason}; choose another --listen`,
      { cause },
    )
  }
  return `${hostText(host)}:${(app.server.address() as AddressInfo).port}`
}

/** A host as it stands before a port. */
export function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
