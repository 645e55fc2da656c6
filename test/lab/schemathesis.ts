import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePackages } from './install.ts'
import { attempt, type Outcome, run } from './run.ts'
import { step } from './step.ts'

const VERSION = '4.32.5'

/** A tool that asks an HTTP API all that its OpenAPI document allows, and more, and holds the answers against it. */
export interface Schemathesis {
  run(args: readonly string[], timeoutMs: number): Promise<Outcome>
  remove(): Promise<void>
}

/** Installs it into a folder of its own. */
export async function installSchemathesis(): Promise<Schemathesis> {
  const folder = await mkdtemp(join(tmpdir(), 'swarmlogs-schemathesis-'))
  const program = (name: string): string => join(folder, 'bin', name)
  await step(`installing schemathesis ${VERSION}`, async () => {
    const made = await attempt('python3', ['-m', 'venv', folder]).catch(() => undefined)
    if (made?.code !== 0) {
      await ensurePackages(['python3-venv'])
      await run('python3', ['-m', 'venv', folder])
    }
    await run(program('pip'), ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`])
  })
  return {
    run: (args, timeoutMs) => attempt(program('schemathesis'), ['--no-color', ...args], { cwd: folder, timeoutMs }),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
