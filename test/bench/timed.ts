import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** The program, from its sources. */
export const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

/** How the program is run: what it is told by the environment, and where its output goes (nowhere, if not said). */
export interface Timed {
  readonly env: NodeJS.ProcessEnv
  readonly output?: number
}

/** Runs the CLI and prints how long it took, and the most memory that it had. */
export async function timed(what: string, args: readonly string[], { env, output }: Timed): Promise<void> {
  const startMs = performance.now()
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', output ?? 'ignore', 'ignore'],
  })
  let peak = 0
  const watch = setInterval(async () => {
    const text = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))
  }, 20)
  const [code] = await once(child, 'exit')
  clearInterval(watch)
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  const failure = code === 0 ? '' : `, exit code ${code}`
  process.stdout.write(`${what}: ${seconds} s, ${Math.round(peak / 1024)} MiB at most${failure}\n`)
}
