import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  type ListPartsCommandOutput,
  type Part,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Bucket } from './bucket.ts'
import type { LocalFile } from './upload.ts'
import { newestUpload } from './uploads.ts'

/** Files larger than this go in parts of this size, at least. */
export const PART_BYTES = 16 * 2 ** 20
/** S3 takes 10,000. */
const MAX_PARTS = 9_000
/** Each holds a part in memory. */
const SENDERS = 3

/** Whether to leave alone what was begun before, and when to stop. */
export interface PartsOptions {
  readonly isAnew: boolean
  readonly signal?: AbortSignal | undefined
}

/** Uploads a file in parts; goes on with an upload of that name that was interrupted, and answers whether there was one. */
export async function uploadInParts(
  bucket: Bucket,
  name: string,
  local: LocalFile,
  { isAnew, signal }: PartsOptions,
): Promise<boolean> {
  // When one sender fails, the others must not go on behind the caller's back.
  const failing = new AbortController()
  const either = signal === undefined ? failing.signal : AbortSignal.any([signal, failing.signal])
  try {
    return await new Upload(bucket, name, local, either).run(isAnew)
  } catch (error) {
    failing.abort(error)
    throw error
  }
}

class Upload {
  readonly #bucket: Bucket
  readonly #name: string
  readonly #local: LocalFile
  readonly #signal: AbortSignal
  readonly #partBytes: number
  readonly #count: number

  constructor(bucket: Bucket, name: string, local: LocalFile, signal: AbortSignal) {
    this.#bucket = bucket
    this.#name = name
    this.#local = local
    this.#signal = signal
    this.#partBytes = Math.max(PART_BYTES, Math.ceil(local.bytes / MAX_PARTS))
    this.#count = Math.ceil(local.bytes / this.#partBytes)
  }

  async run(isAnew: boolean): Promise<boolean> {
    const begun = isAnew ? undefined : await newestUpload(this.#bucket, this.#bucket.at(this.#name).Key, this.#signal)
    const there = begun === undefined ? new Map<number, Part>() : await this.#partsOf(begun)
    const id = begun ?? (await this.#create())
    const numbers = Array.from({ length: this.#count }, (_, index) => index + 1)
    const parts: CompletedPart[] = []
    const left = numbers.values()
    const send = async () => {
      for (const number of left) parts[number - 1] = await this.#send(id, number, there.get(number))
    }
    await Promise.all(Array.from({ length: SENDERS }, send))
    const MultipartUpload = { Parts: parts }
    const complete = new CompleteMultipartUploadCommand({
      ...this.#bucket.at(this.#name),
      UploadId: id,
      MultipartUpload,
    })
    await this.#bucket.ask(`finish ${this.#name}`, (client, options) => client.send(complete, options), this.#signal)
    return begun !== undefined
  }

  /** The parts that are there, by number. */
  async #partsOf(id: string): Promise<Map<number, Part>> {
    const parts = new Map<number, Part>()
    let marker: string | undefined
    do {
      const page = new ListPartsCommand({ ...this.#bucket.at(this.#name), UploadId: id, PartNumberMarker: marker })
      const answer: ListPartsCommandOutput = await this.#bucket.ask(
        `list the parts of ${this.#name}`,
        (client, options) => client.send(page, options),
        this.#signal,
      )
      for (const part of answer.Parts ?? []) if (part.PartNumber !== undefined) parts.set(part.PartNumber, part)
      marker = answer.IsTruncated ? answer.NextPartNumberMarker : undefined
    } while (marker !== undefined)
    return parts
  }

  async #create(): Promise<string> {
    const create = new CreateMultipartUploadCommand({
      ...this.#bucket.at(this.#name),
      ...this.#bucket.encryption,
      ChecksumAlgorithm: 'CRC32',
      Metadata: this.#bucket.notes(this.#local.sha256),
    })
    const { UploadId } = await this.#bucket.ask(
      `begin ${this.#name}`,
      (client, options) => client.send(create, options),
      this.#signal,
    )
    if (UploadId !== undefined) return UploadId
    const message = `cannot begin ${this.#name} (${this.#bucket.name}): the storage answered without an upload's id: check --archive-s3-endpoint`
    throw new SwarmlogsError('SWARMLOGS_STORE_UNAVAILABLE', message)
  }

  async #send(UploadId: string, PartNumber: number, there: Part | undefined): Promise<CompletedPart> {
    const Body = await this.#read(PartNumber)
    const ChecksumCRC32 = checksumOf(Body)
    if (there !== undefined && isSame(there, Body, ChecksumCRC32))
      return { PartNumber, ETag: there.ETag, ChecksumCRC32 }
    const part = new UploadPartCommand({ ...this.#bucket.at(this.#name), UploadId, PartNumber, Body, ChecksumCRC32 })
    const purpose = `put part ${PartNumber} of ${this.#count} of ${this.#name}`
    const { ETag } = await this.#bucket.ask(purpose, (client, options) => client.send(part, options), this.#signal)
    return { PartNumber, ETag, ChecksumCRC32 }
  }

  async #read(number: number): Promise<Buffer> {
    const from = (number - 1) * this.#partBytes
    const piece = Buffer.allocUnsafe(Math.min(this.#partBytes, this.#local.bytes - from))
    await this.#local.file.read(piece, 0, piece.length, from)
    return piece
  }
}

function checksumOf(bytes: Buffer): string {
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc32(bytes))
  return sum.toString('base64')
}

/** Whether a part is what we would send. Not all storage keeps checksums; an ETag is the MD5 unless it is encrypted by a KMS key. */
function isSame({ Size, ETag, ChecksumCRC32 }: Part, bytes: Buffer, checksum: string): boolean {
  if (Size !== bytes.length) return false
  if (ChecksumCRC32 !== undefined) return ChecksumCRC32 === checksum
  return ETag?.replaceAll('"', '') === hash('md5', bytes, 'hex')
}
