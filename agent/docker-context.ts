import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SwarmlogsError } from '../shared/errors.ts'
import type { EngineAddress } from './tail/engine.ts'

interface Metadata {
  readonly Endpoints?: { readonly docker?: { readonly Host?: string } }
}

/**
 * The engine of a Docker context: of the one that is named (DOCKER_CONTEXT), else of the one that `docker context use` chose; undefined for
 * `default`, and where none was chosen. Throws SWARMLOGS_CONFIG for one that is not there.
 */
export function dockerContext(folder: string, named: string | undefined): EngineAddress | undefined {
  const name = named || chosenContext(folder)
  if (name === undefined || name === '' || name === 'default') return undefined
  // Where docker itself keeps it.
  const id = createHash('sha256').update(name).digest('hex')
  const metadata = readJson(join(folder, 'contexts', 'meta', id, 'meta.json')) as Metadata | undefined
  const host = metadata?.Endpoints?.docker?.Host
  if (host === undefined || host === '') {
    const message = `cannot use the Docker context '${name}': it is not in ${folder}; \`docker context ls\` shows which there are`
    throw new SwarmlogsError('SWARMLOGS_CONFIG', message)
  }
  const certPath = join(folder, 'contexts', 'tls', id, 'docker')
  const tls = existsSync(certPath)
  return { host, tls, certPath: tls ? certPath : undefined }
}

function chosenContext(folder: string): string | undefined {
  const config = readJson(join(folder, 'config.json')) as { readonly currentContext?: unknown } | undefined
  return typeof config?.currentContext === 'string' ? config.currentContext : undefined
}

/** What a file holds; undefined when it is not there, or no JSON: docker complains of that itself. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
