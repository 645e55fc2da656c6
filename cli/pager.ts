import { spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

/** $PAGER while it shows what is written to it. */
export interface Pager {
  readonly input: Writable
  /** Ends its input and waits until it has been left. */
  end(): Promise<void>
}

/** Starts a pager on this terminal, by the shell, as git does; what is wrong with it the shell says. */
export function openPager({ command, env }: { readonly command: string; readonly env: NodeJS.ProcessEnv }): Pager {
  const child = spawn('/bin/sh', ['-c', command], { env, stdio: ['pipe', 'inherit', 'inherit'] })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  // Whoever leaves it early has seen enough.
  child.stdin.on('error', () => void ended.then(() => process.exit(0)))
  // Ctrl-C is for the pager, which stops what it does at it.
  process.removeAllListeners('SIGINT')
  process.on('SIGINT', () => {})
  return {
    input: child.stdin,
    end: async () => {
      child.stdin.end()
      await ended
    },
  }
}
