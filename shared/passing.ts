import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'

/** What is to be gone when the process ends, at Ctrl-C and `| head`, too. */
const paths = new Set<string>()

/** What is there only for a while. */
export interface Passing {
  readonly path: string
  /** Must be called, whatever the outcome. */
  remove(): Promise<void>
}

/** Makes a folder that the end of the process removes, if nobody did before. @param prefix its path, up to what makes it unique. */
export async function passingFolder(prefix: string): Promise<Passing> {
  // At once: no signal must come between.
  return passing(mkdtempSync(prefix))
}

/** The same for an empty file, which only its owner can read. Throws EEXIST when there is one of that name. */
export async function passingFile(path: string): Promise<Passing> {
  closeSync(openSync(path, 'wx', 0o600))
  return passing(path)
}

function passing(path: string): Passing {
  if (paths.size === 0) process.on('exit', removeAll)
  paths.add(path)
  const remove = async (): Promise<void> => {
    paths.delete(path)
    if (paths.size === 0) process.off('exit', removeAll)
    await rm(path, { recursive: true, force: true })
  }
  return { path, remove }
}

function removeAll(): void {
  for (const path of paths) {
    try {
      // Threads may still write into it.
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // Nobody is there to be told.
    }
  }
}
