import type { ArchiveS3Config } from '../config/archive-s3.ts'
import type { Shelf } from './shelf.ts'

/** Opens the shelf that the server was configured for; its library is loaded only then. Nothing is asked of the storage yet. */
export async function openShelf(config: ArchiveS3Config): Promise<Shelf> {
  const { S3Shelf } = await import('./s3-shelf.ts')
  return new S3Shelf(config)
}
