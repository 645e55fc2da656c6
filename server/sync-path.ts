import { open } from 'node:fs/promises'

/** Makes what is in a file, or was created or renamed in a folder, survive a power cut. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
