import type { FileHandle } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { GetObjectCommand, type GetObjectCommandOutput } from '@aws-sdk/client-s3'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Bucket } from './bucket.ts'
import { explain } from './errors.ts'
import { nameOf } from './failure.ts'
import { Patience } from './patience.ts'

/** So long nothing came on the connection. */
const IDLE_MS = 30_000

/** One object on its way into a file that is open for appending. */
export class Fetching {
  readonly #file: FileHandle
  readonly #bucket: Bucket
  readonly #name: string
  readonly #signal: AbortSignal
  readonly #patience = new Patience()
  /** Bytes that are in the file. */
  #bytes = 0
  /** Of the content that the file begins with. */
  #etag: string | undefined

  constructor(file: FileHandle, bucket: Bucket, name: string, signal: AbortSignal) {
    this.#file = file
    this.#bucket = bucket
    this.#name = name
    this.#signal = signal
  }

  /** Fetches what is not in the file yet; answers the sha256 that it must have, '' when none is known, undefined when it cannot be gone on with. */
  async run(): Promise<string | undefined> {
    // One byte is fetched again, as a range must not be empty.
    await this.#cut(Math.max(0, (await this.#file.stat()).size - 1))
    for (;;) {
      const answer = await this.#ask()
      const sha256 = answer?.Metadata?.sha256 ?? ''
      // Nothing would tell whether what an earlier try left is of this content.
      if (answer === undefined || (sha256 === '' && this.#etag === undefined && this.#bytes > 0)) return undefined
      this.#etag = answer.ETag
      if (this.#bytes > 0 && answer.ContentRange === undefined) await this.#cut(0)
      if (await this.#take(answer)) return sha256
    }
  }

  /** Undefined when the object is not the one any more that the file begins with. */
  async #ask(): Promise<GetObjectCommandOutput | undefined> {
    const get = new GetObjectCommand({
      ...this.#bucket.at(this.#name),
      ...(this.#bytes > 0 && { Range: `bytes=${this.#bytes}-` }),
      ...(this.#etag !== undefined && { IfMatch: this.#etag }),
    })
    try {
      const purpose = `fetch ${this.#name}`
      return await this.#bucket.ask(
        purpose,
        (client, options) => client.send(get, options),
        this.#signal,
        this.#patience,
      )
    } catch (error) {
      const isOther = error instanceof SwarmlogsError && /^(PreconditionFailed|InvalidRange)$/.test(nameOf(error.cause))
      if (isOther) return undefined
      throw error
    }
  }

  /** Takes what comes; false when it was interrupted. */
  async #take({ Body, ContentLength }: GetObjectCommandOutput): Promise<boolean> {
    const end = this.#bytes + (ContentLength ?? 0)
    try {
      if (!(Body instanceof Readable)) throw new Error('BUG: the client answers no stream')
      for await (const piece of this.#watched(Body)) {
        await this.#file.appendFile(piece)
        this.#bytes += piece.length
        this.#patience.reset()
      }
      if (this.#bytes >= end) return true
      throw Object.assign(new Error('the answer ended early'), { code: 'ERR_STREAM_PREMATURE_CLOSE' })
    } catch (cause) {
      this.#signal.throwIfAborted()
      if (!this.#patience.mayHelp(cause)) throw explain(cause, `fetch ${this.#name}`, this.#bucket)
      await this.#patience.wait(this.#signal)
      return false
    }
  }

  /** The stream's pieces; ends it when it is no longer wanted, or stands still. */
  async *#watched(stream: Readable): AsyncGenerator<Buffer> {
    const end = () => stream.destroy(this.#signal.reason)
    const idle = setTimeout(
      () => stream.destroy(Object.assign(new Error('nothing came'), { code: 'ETIMEDOUT' })),
      IDLE_MS,
    )
    this.#signal.addEventListener('abort', end, { once: true })
    try {
      for await (const piece of stream) {
        idle.refresh()
        yield piece
      }
    } finally {
      clearTimeout(idle)
      this.#signal.removeEventListener('abort', end)
    }
  }

  async #cut(bytes: number): Promise<void> {
    await this.#file.truncate(bytes)
    this.#bytes = bytes
  }
}
