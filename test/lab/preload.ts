import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './run.ts'

/** Compiles a shim of the lab for LD_PRELOAD into a folder; answers its path. */
export async function preload(folder: string, name: 'failing-disk' | 'power-cut' | 'clock'): Promise<string> {
  const shim = join(folder, `${name}.so`)
  const source = fileURLToPath(new URL(`./${name}/shim.c`, import.meta.url))
  await run('gcc', ['-shared', '-fPIC', '-O1', '-o', shim, source, '-ldl'])
  return shim
}
