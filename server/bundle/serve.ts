import type { Logger } from 'pino'
import { buildApp } from '../app.ts'
import type { SecretSource } from '../config.ts'
import { isLoopback, type Listen } from '../config.ts'
import { listenHttp } from '../listen.ts'
import { Secrets } from '../secrets.ts'
import { bundleContext } from './context.ts'
import { type OpenBundle, openBundle } from './open.ts'

/** A bundle that answers over HTTP. */
export interface ServedBundle extends Pick<OpenBundle, 'manifest' | 'lost' | 'fingerprint'> {
  readonly url: string
  close(): Promise<void>
}

/** How a bundle is served. */
export interface ServeOptions {
  readonly path: string
  /** Where bundles are unpacked. */
  readonly cacheDir: string
  readonly listen: Listen
  readonly tokens: SecretSource
  readonly log: Logger
}

/** Opens a bundle and serves the HTTP API on it. */
export async function serveBundle({ path, cacheDir, listen, tokens, log }: ServeOptions): Promise<ServedBundle> {
  const bundle = await openBundle(path, cacheDir)
  try {
    const stopping = new AbortController()
    // The clock stands still at its end.
    const end = BigInt(bundle.manifest.until)
    const context = await bundleContext(bundle, { log, stopping: stopping.signal, now: () => end })
    const secrets = new Secrets(tokens, log)
    const localOnly = secrets.values.length === 0 && isLoopback(listen.host)
    const app = await buildApp(context, { tokens: () => secrets.values, localOnly })
    const address = await listenHttp(app, listen)
    const close = async (): Promise<void> => {
      context.live.close()
      stopping.abort()
      app.server.closeAllConnections()
      await app.close()
      await bundle.close()
    }
    const { manifest, lost, fingerprint } = bundle
    return { manifest, lost, fingerprint, url: `http://${address}`, close }
  } catch (error) {
    await bundle.close()
    throw error
  }
}
