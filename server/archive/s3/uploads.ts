import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
} from '@aws-sdk/client-s3'
import { SwarmlogsError } from '../../../shared/errors.ts'
import type { Bucket } from './bucket.ts'
import { nameOf } from './failure.ts'

/** An upload in parts that was begun and not finished: its parts take room until it is. */
export interface BegunUpload {
  readonly key: string
  readonly id: string
  readonly begunAt: number
}

/** After this time nobody goes on with an upload. */
const ABANDONED_MS = 86_400_000

/** The uploads under way whose keys begin so. */
export async function* begunUploads(bucket: Bucket, prefix: string, signal?: AbortSignal): AsyncGenerator<BegunUpload> {
  let marker: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
  while (marker !== undefined) {
    const page = new ListMultipartUploadsCommand({ Bucket: bucket.config.bucket, Prefix: prefix, ...marker })
    const answer: ListMultipartUploadsCommandOutput = await bucket.ask(
      'list unfinished uploads',
      (client, options) => client.send(page, options),
      signal,
    )
    for (const { Key: key, UploadId: id, Initiated } of answer.Uploads ?? [])
      if (key?.startsWith(prefix) && id !== undefined) yield { key, id, begunAt: Initiated?.getTime() ?? 0 }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = answer
    marker = IsTruncated && KeyMarker ? { KeyMarker, ...(UploadIdMarker && { UploadIdMarker }) } : undefined
  }
}

/** The newest upload of a key that may be gone on with. */
export async function newestUpload(bucket: Bucket, key: string, signal?: AbortSignal): Promise<string | undefined> {
  let newest: BegunUpload | undefined
  for await (const one of begunUploads(bucket, key, signal))
    if (one.key === key && !isAbandoned(one) && one.begunAt >= (newest?.begunAt ?? 0)) newest = one
  return newest?.id
}

/** Aborts uploads below our prefix that were begun a day ago or before, whoever began them: else their parts would be paid for until the end of time. */
export async function abortAbandoned(bucket: Bucket, signal?: AbortSignal): Promise<void> {
  for await (const upload of begunUploads(bucket, bucket.prefix, signal))
    if (isAbandoned(upload)) await abortUpload(bucket, upload, signal)
}

async function abortUpload(
  bucket: Bucket,
  { key: Key, id: UploadId }: BegunUpload,
  signal?: AbortSignal,
): Promise<void> {
  const abort = new AbortMultipartUploadCommand({ Bucket: bucket.config.bucket, Key, UploadId })
  try {
    await bucket.ask(`abort an old upload of ${Key}`, (client, options) => client.send(abort, options), signal)
  } catch (error) {
    if (!isNoSuchUpload(error)) throw error
  }
}

/** Whether an upload is not there any more: it was finished, or somebody aborted it. */
export function isNoSuchUpload(error: unknown): boolean {
  return error instanceof SwarmlogsError && nameOf(error.cause) === 'NoSuchUpload'
}

function isAbandoned({ begunAt }: BegunUpload): boolean {
  return Date.now() - begunAt >= ABANDONED_MS
}
