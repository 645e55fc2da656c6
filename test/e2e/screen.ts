import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from '../lab/run.ts'

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
const POLL_MS = 25
const WAIT_MS = 20_000

/** A tmux of its own, with nothing of this environment. */
export class Tmux {
  readonly #folder: string
  #screens = 0

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async start(): Promise<Tmux> {
    const tmux = new Tmux(await mkdtemp(join(tmpdir(), 'swarmlogs-tmux-')))
    await tmux.call('new-session', '-d', '-s', 'keep', '-x', '100', '-y', '24', 'cat')
    await tmux.call('set-option', '-s', 'set-clipboard', 'on')
    return tmux
  }

  /** tmux -u: it takes the terminal for one of UTF-8 whatever the locale says. */
  call(...args: string[]): Promise<string> {
    return run('tmux', ['-u', '-S', join(this.#folder, 'tmux'), '-f', '/dev/null', ...args])
  }

  /** Runs the CLI on a screen of its own, in a shell that says how it ended. */
  async open(args: string, size: readonly [columns: number, rows: number], env: string): Promise<Screen> {
    const name = `screen${++this.#screens}`
    const cli = `env TZ=UTC LANG=C.UTF-8 ${env} ${process.execPath} ${MAIN} ${args}`
    const command = `echo before; trap : INT; ${cli}; echo "exit code $?"; exec cat`
    const [columns, rows] = size.map(String) as [string, string]
    await this.call('new-session', '-d', '-s', name, '-x', columns, '-y', rows, command)
    return new Screen(this, name)
  }

  async stop(): Promise<void> {
    await this.call('kill-server')
    await rm(this.#folder, { recursive: true })
  }
}

/** One terminal. */
export class Screen {
  readonly #tmux: Tmux
  readonly name: string

  constructor(tmux: Tmux, name: string) {
    this.#tmux = tmux
    this.name = name
  }

  /** Presses keys, by tmux's names of them. */
  async press(...keys: string[]): Promise<void> {
    await this.#tmux.call('send-keys', '-t', this.name, ...keys)
  }

  /** Types text, letter by letter. */
  async type(text: string): Promise<void> {
    await this.#tmux.call('send-keys', '-l', '-t', this.name, '--', text)
  }

  /** What it shows; with `-e` its colours, too. */
  async text(...flags: string[]): Promise<string> {
    return (await this.#tmux.call('capture-pane', '-p', ...flags, '-t', this.name)).trimEnd()
  }

  /** Waits until it shows this, and gives what it shows then. */
  async shows(wanted: string | RegExp): Promise<string> {
    return this.#until((text) => (typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text)), `${wanted}`)
  }

  /** Waits until it shows this no longer. */
  async hides(unwanted: string): Promise<string> {
    return this.#until((text) => !text.includes(unwanted), `no ${unwanted}`)
  }

  /** A variable of tmux, such as `alternate_on`. */
  async tell(variable: string): Promise<string> {
    return (await this.#tmux.call('display-message', '-p', '-t', this.name, `#{${variable}}`)).trimEnd()
  }

  /** Process ids below the shell of this screen. */
  async child(): Promise<number> {
    const shell = await this.tell('pane_pid')
    return Number((await run('pgrep', ['-P', shell])).split('\n')[0])
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux.call('resize-window', '-t', this.name, '-x', String(columns), '-y', String(rows))
  }

  async close(): Promise<void> {
    await this.#tmux.call('kill-session', '-t', this.name)
  }

  async #until(isRight: (text: string) => boolean, wanted: string): Promise<string> {
    const end = Date.now() + WAIT_MS
    for (;;) {
      const text = await this.text()
      if (isRight(text)) return text
      if (Date.now() > end) throw new Error(`the screen never shows ${wanted}:\n${text}`)
      await delay(POLL_MS)
    }
  }
}
