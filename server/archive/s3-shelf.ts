import { DeleteObjectsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3'
import { SwarmlogsError } from '../../shared/errors.ts'
import type { ArchiveS3Config } from '../config/archive-s3.ts'
import { Bucket } from './s3/bucket.ts'
import { download } from './s3/download.ts'
import { upload } from './s3/upload.ts'
import { abortAbandoned } from './s3/uploads.ts'
import { checkShelfName, isShelfName, type Shelf } from './shelf.ts'

/** As many as S3 removes by one request. */
const REMOVED_AT_ONCE = 1_000
const SWEEP_MS = 3_600_000

/** Copies of archived days in a bucket of Amazon S3 or of storage that speaks like it. */
export class S3Shelf implements Shelf {
  readonly #bucket: Bucket
  #sweptAt = Number.NEGATIVE_INFINITY

  constructor(config: ArchiveS3Config) {
    this.#bucket = new Bucket(config)
  }

  get name(): string {
    return this.#bucket.name
  }

  async *list(signal?: AbortSignal): AsyncGenerator<{ readonly name: string; readonly bytes: number }> {
    const { prefix: Prefix, config } = this.#bucket
    for (let token: string | undefined, isLast = false; !isLast; ) {
      const page = new ListObjectsV2Command({ Bucket: config.bucket, Prefix, ContinuationToken: token })
      const answer = await this.#bucket.ask('list the archive', (client, options) => client.send(page, options), signal)
      for (const { Key = '', Size = 0 } of answer.Contents ?? []) {
        const name = Key.slice(Prefix.length)
        // What others put there may have names that are no paths of ours.
        if (isShelfName(name)) yield { name, bytes: Size }
      }
      token = answer.NextContinuationToken
      isLast = answer.IsTruncated !== true || token === undefined
    }
  }

  async put(name: string, path: string, signal?: AbortSignal): Promise<void> {
    checkShelfName(name)
    await this.#sweep(signal)
    await upload(this.#bucket, name, path, signal)
  }

  async get(name: string, path: string, signal?: AbortSignal): Promise<void> {
    checkShelfName(name)
    await download(this.#bucket, name, path, signal)
  }

  async remove(names: readonly string[], signal?: AbortSignal): Promise<void> {
    for (const name of names) checkShelfName(name)
    for (let from = 0; from < names.length; from += REMOVED_AT_ONCE)
      await this.#remove(names.slice(from, from + REMOVED_AT_ONCE), signal)
  }

  close(): void {
    this.#bucket.close()
  }

  async #remove(names: readonly string[], signal?: AbortSignal): Promise<void> {
    const Objects = names.map((name) => ({ Key: this.#bucket.at(name).Key }))
    const batch = new DeleteObjectsCommand({ Bucket: this.#bucket.config.bucket, Delete: { Objects, Quiet: true } })
    const purpose = `remove ${names.length === 1 ? names[0] : `${names.length} files`}`
    const { Errors } = await this.#bucket.ask(purpose, (client, options) => client.send(batch, options), signal)
    const failed = Errors?.find(({ Code }) => Code !== 'NoSuchKey')
    if (failed === undefined) return
    const message = `cannot remove ${failed.Key} (${this.name}): ${failed.Code}, ${failed.Message}: allow s3:DeleteObject, or try again later`
    throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', message)
  }

  async #sweep(signal?: AbortSignal): Promise<void> {
    if (performance.now() - this.#sweptAt < SWEEP_MS) return
    this.#sweptAt = performance.now()
    await abortAbandoned(this.#bucket, signal)
  }
}
