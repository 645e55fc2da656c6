import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPython } from './python.ts'
import { attempt, type Outcome } from './run.ts'

const VERSION = '4.32.5'
const HOOKS = fileURLToPath(new URL('schemathesis-hooks.py', import.meta.url))

/** A tool that asks an HTTP API all that its OpenAPI document allows, and more, and holds the answers against it. */
export interface Schemathesis {
  run(args: readonly string[], timeoutMs: number): Promise<Outcome>
  remove(): Promise<void>
}

/** Installs it into a folder of its own, with what it has to know of our API. */
export async function installSchemathesis(): Promise<Schemathesis> {
  const { folder, program, remove } = await installPython([`schemathesis==${VERSION}`])
  await copyFile(HOOKS, join(folder, 'hooks.py'))
  await writeFile(join(folder, 'schemathesis.toml'), 'hooks = "hooks"\n')
  return {
    run: (args, timeoutMs) => attempt(program('schemathesis'), ['--no-color', ...args], { cwd: folder, timeoutMs }),
    remove,
  }
}
