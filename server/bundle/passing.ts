import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'

/** What is to be gone when the process ends, at Ctrl-C and `| head`, too. */
const passing = new Set<string>()

/** What is there only for a while. */
export interface Passing {
  readonly path: string
  /** Must be called, whatever the outcome. */
  remove(): Promise<void>
}

/** Makes a folder that the end of the process removes, if nobody did before. @param prefix its path, up to what makes it unique. */
export async function passingFolder(prefix: string): Promise<Passing> {
  return passingPath(await mkdtemp(prefix))
}

/** Has the end of the process remove a file or folder, if nobody did before. */
export function passingPath(path: string): Passing {
  if (passing.size === 0) process.on('exit', removeAll)
  passing.add(path)
  const remove = async (): Promise<void> => {
    passing.delete(path)
    if (passing.size === 0) process.off('exit', removeAll)
    await rm(path, { recursive: true, force: true })
  }
  return { path, remove }
}

function removeAll(): void {
  for (const path of passing) {
    try {
      // Threads may still write into it.
      rmSync(path, { recursive: true, force: true, maxRetries: 3 })
    } catch {
      // Nobody is there to be told.
    }
  }
}
