import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePackages } from './install.ts'
import { attempt, run } from './run.ts'
import { step } from './step.ts'

/** Packages of Python, in a folder of their own. */
export interface Python {
  readonly folder: string
  /** Path of a program that came with them, or of `python` itself. */
  program(name: string): string
  remove(): Promise<void>
}

/** Installs packages, `name==version`, with what they need. */
export async function installPython(packages: readonly string[]): Promise<Python> {
  const folder = await mkdtemp(join(tmpdir(), 'swarmlogs-python-'))
  const program = (name: string): string => join(folder, 'bin', name)
  await step(`installing ${packages.join(' ')}`, async () => {
    const made = await attempt('python3', ['-m', 'venv', folder]).catch(() => undefined)
    if (made?.code !== 0) {
      await ensurePackages(['python3-venv'])
      await run('python3', ['-m', 'venv', folder])
    }
    await run(program('pip'), ['install', '--quiet', '--disable-pip-version-check', ...packages])
  })
  return { folder, program, remove: () => rm(folder, { recursive: true, force: true }) }
}
