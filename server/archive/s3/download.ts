import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { SwarmlogsError } from '../../../shared/errors.ts'
import { syncPath } from '../../sync-path.ts'
import type { Bucket } from './bucket.ts'
import { Fetching } from './fetching.ts'
import { factsOf } from './upload.ts'

/** Fetches an object to a local path, by way of PATH.unfinished: goes on behind what an earlier try left there. */
export async function download(bucket: Bucket, name: string, path: string, signal?: AbortSignal): Promise<void> {
  const draft = `${path}.unfinished`
  // What an earlier try left may belong to other content: then all is fetched anew, once.
  if (!(await fetchTo(draft, bucket, name, signal))) {
    await rm(draft, { force: true })
    if (!(await fetchTo(draft, bucket, name, signal))) {
      await rm(draft, { force: true })
      const remedy = 'it was changed there, or is damaged: put it there anew, if you have it elsewhere'
      throw new SwarmlogsError('SWARMLOGS_STORE_DAMAGED', `cannot fetch ${name} (${bucket.name}): ${remedy}`)
    }
  }
  await rename(draft, path)
  await syncPath(dirname(path))
}

/** Whether the file is now what was put there. */
async function fetchTo(draft: string, bucket: Bucket, name: string, signal?: AbortSignal): Promise<boolean> {
  const file = await open(draft, 'a+')
  try {
    const sha256 = await new Fetching(file, bucket, name, bucket.until(signal)).run()
    await file.sync()
    return sha256 === '' || sha256 === (await factsOf(file, signal)).sha256
  } finally {
    await file.close()
  }
}
