import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

// Not every root's PATH has the folders of ip, iptables and dockerd.
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`

/** How a program is run: `input` is given to it on stdin, `env` is added to ours, after `timeoutMs` (default 2 minutes) it is killed. */
export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly timeoutMs?: number
}

/** What a program did: its exit code (null after a signal) and all that it printed. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program and answers how it ended, whatever its exit code. */
export async function attempt(command: string, args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, PATH, ...options.env },
    timeout: options.timeoutMs ?? 120_000,
    killSignal: 'SIGKILL',
    stdio: 'pipe',
  })
  // A program may end before it has read its input: its exit code says what was wrong.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input)
  const closed = once(child, 'close')
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code: child.exitCode, stdout, stderr }
}

/** Runs a program and answers what it printed on stdout; throws with its stderr when it fails. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options)
  if (code === 0) return stdout
  // Compilers complain on stdout.
  const said = (stderr.trim() || stdout.trim()).slice(-2000)
  throw new Error(`cannot run ${[command, ...args].join(' ')}: it ended with ${code ?? 'a signal'}: ${said}`)
}
