import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, closeSync, cpSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { javaHome } from './elastic-package.ts'
import { isAlive, kill, LAB_MARK } from './processes.ts'
import { run } from './run.ts'

/** Values of elasticsearch.yml by their full names. */
export type ElasticSettings = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** What a node is made of: its folder, the place it belongs to, the unpacked release that all nodes share. */
export interface NodeOptions {
  readonly dir: string
  readonly place: string
  readonly home: string
  readonly settings: ElasticSettings
  /** Files to put beside elasticsearch.yml. */
  readonly files: readonly string[]
  /** Text to add to files beside elasticsearch.yml, by name. */
  readonly texts: Readonly<Record<string, string>>
  /** Starts in less than half the time, but never gets as fast: not for figures. */
  readonly isBrief: boolean
}

/** The first compiler alone: what a test asks for is over before the second one's work pays. */
const BRIEF = '-XX:TieredStopAtLevel=1'

// Elasticsearch refuses to run as root; this user is on every Debian.
const NOBODY = '65534'

/** One Elasticsearch server: it is started by its own launcher and really killed. */
export class ElasticNode {
  readonly #options: NodeOptions

  private constructor(options: NodeOptions) {
    this.#options = options
  }

  /** Lays out the folder of a node; it does not run yet. */
  static async create(options: NodeOptions): Promise<ElasticNode> {
    const { dir, home, files, texts, settings } = options
    const config = join(dir, 'config')
    for (const folder of ['data', 'logs', 'tmp']) mkdirSync(join(dir, folder), { recursive: true })
    cpSync(join(home, 'config'), config, { recursive: true })
    for (const file of files) cpSync(file, join(config, file.replace(/.*\//, '')))
    const all = { 'path.data': join(dir, 'data'), 'path.logs': join(dir, 'logs'), ...settings }
    // JSON is YAML.
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${JSON.stringify(value)}\n`)
    appendFileSync(join(config, 'elasticsearch.yml'), lines.join(''))
    for (const [name, text] of Object.entries(texts)) appendFileSync(join(config, name), text)
    if (isRoot()) await run('chown', ['-R', `${NOBODY}:${NOBODY}`, dir])
    return new ElasticNode(options)
  }

  /** The pid of the server; 0 when it does not run. */
  get pid(): number {
    const pid = existsSync(this.#pidFile) ? Number(readFileSync(this.#pidFile, 'utf8')) : 0
    return pid > 0 && isAlive(pid) ? pid : 0
  }

  /** Starts the server with a heap of its own; resolves when it listens, which is before it has found a master. */
  async start(heap: string): Promise<void> {
    if (this.pid !== 0) return
    rmSync(this.#pidFile, { force: true })
    const { dir, home, place, isBrief } = this.#options
    const command = [join(home, 'bin/elasticsearch'), '-d', '-p', this.#pidFile]
    const [program = '', ...args] = isRoot()
      ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command]
      : command
    const env = {
      ...process.env,
      [LAB_MARK]: place,
      ES_JAVA_HOME: javaHome(),
      ES_JAVA_OPTS: `-Xms${heap} -Xmx${heap}${isBrief ? ` ${BRIEF}` : ''}`,
      // Of the launcher.
      CLI_JAVA_OPTS: BRIEF,
      ES_PATH_CONF: join(dir, 'config'),
      ES_TMPDIR: join(dir, 'tmp'),
    }
    // The server keeps the launcher's stdout, so that a pipe would never end.
    const log = openSync(join(dir, 'start.log'), 'a')
    const child = spawn(program, args, { cwd: dir, env, stdio: ['ignore', log, log], timeout: 180_000 })
    closeSync(log)
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`cannot start Elasticsearch in ${dir}: ${this.#lastLines()}`)
  }

  /** Sends SIGKILL and waits until the server is gone; its data stays. */
  async kill(): Promise<void> {
    const { pid } = this
    if (pid === 0) return
    kill(pid)
    while (isAlive(pid)) await delay(20)
  }

  /** Sends SIGSTOP: the server neither answers nor closes a connection. */
  pause(): void {
    if (this.pid !== 0) kill(this.pid, 'SIGSTOP')
  }

  /** Sends SIGCONT. */
  resume(): void {
    if (this.pid !== 0) kill(this.pid, 'SIGCONT')
  }

  get #pidFile(): string {
    return join(this.#options.dir, 'data', 'pid')
  }

  #lastLines(): string {
    return readFileSync(join(this.#options.dir, 'start.log'), 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}
