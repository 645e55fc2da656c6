import { readFileSync } from 'node:fs'
import { S3Client } from '@aws-sdk/client-s3'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { ArchiveS3Config } from '../../config/archive-s3.ts'
import { explain } from './errors.ts'
import { Patience } from './patience.ts'

/** What a call is for, as an error names it: 'put 2026-11-19.1/manifest.json'. */
export type Purpose = string

const CONNECT_MS = 10_000
/** Nothing moves on the connection. */
const IDLE_MS = 30_000
/** A part of 16 MiB takes that long at 250 kbit/s. */
const REQUEST_MS = 600_000

/** A bucket and the client for it: calls are tried again as long as that may help. */
export class Bucket {
  readonly config: ArchiveS3Config
  readonly #client: S3Client
  readonly #closing = new AbortController()

  constructor(config: ArchiveS3Config) {
    this.config = config
    this.#client = clientOf(config)
  }

  /** As messages name it. */
  get name(): string {
    const { bucket, prefix } = this.config
    return `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  }

  /** The bucket and the key of a name. */
  at(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.config.bucket, Key: this.prefix + name }
  }

  /** What all keys begin with. */
  get prefix(): string {
    return this.config.prefix === '' ? '' : `${this.config.prefix}/`
  }

  /** What we note with an object: by it we know what it is, and that it is encrypted as it should be. */
  notes(sha256: string): Readonly<Record<string, string>> {
    const { encryption } = this.config
    if (encryption === undefined) return { sha256 }
    return { sha256, encryption: `${encryption.kind} ${encryption.kmsKey ?? ''}`.trim() }
  }

  /** How new objects are to be encrypted. */
  get encryption(): { ServerSideEncryption?: 'AES256' | 'aws:kms'; SSEKMSKeyId?: string } {
    const { encryption } = this.config
    if (encryption === undefined) return {}
    const { kind, kmsKey } = encryption
    return { ServerSideEncryption: kind, ...(kmsKey !== undefined && { SSEKMSKeyId: kmsKey }) }
  }

  /** Asks, again and again while it may help; `patience` is shared by calls that belong together. Throws SwarmlogsError, or the signal's reason. */
  async ask<Answer>(
    purpose: Purpose,
    send: (client: S3Client, options: { abortSignal: AbortSignal }) => Promise<Answer>,
    signal?: AbortSignal,
    patience = new Patience(),
  ): Promise<Answer> {
    const either = this.until(signal)
    for (;;) {
      try {
        either.throwIfAborted()
        return await send(this.#client, { abortSignal: either })
      } catch (cause) {
        either.throwIfAborted()
        if (!patience.mayHelp(cause)) throw explain(cause, purpose, this)
        await patience.wait(either)
      }
    }
  }

  /** Aborts with the signal or when the bucket is closed. */
  until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal])
  }

  close(): void {
    const message = `cannot reach ${this.name} any more: the archive was closed`
    this.#closing.abort(new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', message))
    this.#client.destroy()
  }
}

function clientOf({ endpoint, region, isPathStyle, credentials, caFile }: ArchiveS3Config): S3Client {
  return new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    ...(credentials !== undefined && { credentials }),
    forcePathStyle: isPathStyle,
    // `ask` does this, as it stops when asked to and waits for a server that starts anew.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      requestTimeout: REQUEST_MS,
      throwOnRequestTimeout: true,
      httpsAgent: { keepAlive: true, maxSockets: 32, ...(caFile !== undefined && { ca: readCa(caFile) }) },
    },
  })
}

function readCa(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SwarmlogsError('SWARMLOGS_CONFIG', `cannot read the file that --archive-s3-ca names: ${reason}`, {
      cause,
    })
  }
}
