import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Folders for many runs of one test. */
export function scratch(): { make(): string; clear(): void } {
  const root = mkdtempSync(join(tmpdir(), 'swarmlogs-model-'))
  return {
    make: () => mkdtempSync(join(root, 'run-')),
    clear: () => rmSync(root, { recursive: true, force: true }),
  }
}
