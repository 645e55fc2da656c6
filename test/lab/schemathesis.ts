import { installPython } from './python.ts'
import { attempt, type Outcome } from './run.ts'

const VERSION = '4.32.5'

/** A tool that asks an HTTP API all that its OpenAPI document allows, and more, and holds the answers against it. */
export interface Schemathesis {
  run(args: readonly string[], timeoutMs: number): Promise<Outcome>
  remove(): Promise<void>
}

/** Installs it into a folder of its own. */
export async function installSchemathesis(): Promise<Schemathesis> {
  const { folder, program, remove } = await installPython([`schemathesis==${VERSION}`])
  return {
    run: (args, timeoutMs) => attempt(program('schemathesis'), ['--no-color', ...args], { cwd: folder, timeoutMs }),
    remove,
  }
}
