import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import type { Bucket } from './bucket.ts'
import { PART_BYTES, uploadInParts } from './multipart.ts'
import { isNoSuchUpload } from './uploads.ts'

/** A local file that goes to a bucket. */
export interface LocalFile {
  readonly file: FileHandle
  readonly bytes: number
  readonly sha256: string
}

/** Puts a local file into the bucket, unless just this content is there already. */
export async function upload(bucket: Bucket, name: string, path: string, signal?: AbortSignal): Promise<void> {
  const file = await open(path, 'r')
  try {
    const local = { file, ...(await factsOf(file, signal)) }
    if (await isThere(bucket, name, local, signal)) return
    if (local.bytes <= PART_BYTES) return await uploadWhole(bucket, name, local, signal)
    if (await goOn(bucket, name, local, signal)) return
    await uploadInParts(bucket, name, local, { isAnew: true, signal })
  } finally {
    await file.close()
  }
}

/** Uploads in parts, most of which may be there; false when that does not lead to the file: all has to be sent. */
async function goOn(bucket: Bucket, name: string, local: LocalFile, signal?: AbortSignal): Promise<boolean> {
  try {
    const wasBegun = await uploadInParts(bucket, name, local, { isAnew: false, signal })
    // What was begun for other content says of itself that it is that.
    return !wasBegun || (await isThere(bucket, name, local, signal))
  } catch (error) {
    if (!isNoSuchUpload(error)) throw error
    // It was finished by a try whose answer was lost; or aborted, or the storage lost it.
    return isThere(bucket, name, local, signal)
  }
}

/** How large a file is, and the sum of its content. */
export async function factsOf(file: FileHandle, signal?: AbortSignal): Promise<Omit<LocalFile, 'file'>> {
  const sum = createHash('sha256')
  let bytes = 0
  for await (const piece of file.createReadStream({ start: 0, autoClose: false, highWaterMark: 2 ** 20 })) {
    signal?.throwIfAborted()
    sum.update(piece)
    bytes += piece.length
  }
  return { bytes, sha256: sum.digest('hex') }
}

/** Errors do not matter here: what is not known to be there is put there. */
async function isThere(bucket: Bucket, name: string, local: LocalFile, signal?: AbortSignal): Promise<boolean> {
  const head = new HeadObjectCommand(bucket.at(name))
  const answer = await bucket
    .ask(`look for ${name}`, (client, options) => client.send(head, options), signal)
    .catch(() => undefined)
  signal?.throwIfAborted()
  const expected = bucket.notes(local.sha256)
  return answer?.Metadata?.sha256 === expected.sha256 && answer?.Metadata?.encryption === expected.encryption
}

async function uploadWhole(
  bucket: Bucket,
  name: string,
  { file, bytes, sha256 }: LocalFile,
  signal?: AbortSignal,
): Promise<void> {
  const Body = Buffer.allocUnsafe(bytes)
  await file.read(Body, 0, bytes, 0)
  const put = new PutObjectCommand({
    ...bucket.at(name),
    ...bucket.encryption,
    Body,
    ChecksumAlgorithm: 'CRC32',
    Metadata: bucket.notes(sha256),
  })
  await bucket.ask(`put ${name}`, (client, options) => client.send(put, options), signal)
}
