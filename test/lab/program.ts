import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { attempt, type Outcome, type RunOptions } from './run.ts'

/** What runs now: a test that fails must not leave it behind. */
const running = new Set<ChildProcess>()

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A swarmlogs process that a test started: really running, really killed. */
export interface Program {
  readonly child: ChildProcess
  /** The line it printed when it was ready. */
  readonly ready: string
  /** What it wrote so far. */
  stdout(): string
  stderr(): string
  /** Sends the signal and resolves with the exit code (null when a signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>
}

/**
 * Starts a long-running command (`server`, `agent`, `up`) of the built program; resolves when it says that it is ready.
 * `within` is a command that executes the rest of its line, such as `ip netns exec NAME`.
 */
export async function startProgram(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  within: readonly string[] = [],
): Promise<Program> {
  const [command = process.execPath, ...line] = [...within, process.execPath, MAIN, ...args]
  const child = spawn(command, line, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stderr = ''
  let stdout = ''
  let isReady = false
  child.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-200_000)
  })
  running.add(child)
  const exited = once(child, 'exit').finally(() => running.delete(child))
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      // The text is long by and by: to look through all of it each time would make this the slow reader.
      if (!isReady) isReady = stdout.includes('\n')
      if (isReady) resolve()
    })
    void exited.then(([code]) => reject(new Error(`swarmlogs ${args.join(' ')} ended with ${code}: ${stderr}`)))
  })
  return {
    child,
    ready: stdout.trim(),
    stdout: () => stdout,
    stderr: () => stderr,
    end: async (signal) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
      return child.exitCode
    },
  }
}

/** Kills every program that still runs. */
export function killPrograms(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Runs a command of the built program to its end, whatever its exit code. */
export function swarmlogs(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return attempt(process.execPath, [MAIN, ...args], options)
}

/** Polls until the check holds; fails with what it was waiting for, and with the state of things when `tell` says it. */
export async function eventually(
  what: string,
  timeoutMs: number,
  check: () => Promise<boolean>,
  tell: () => Promise<string> = async () => '',
): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what} ${await tell()}`.trimEnd())
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
