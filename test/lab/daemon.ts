import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { request } from 'node:http'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type EngineVersion, enginePath } from './debian-engine.ts'
import { which } from './install.ts'
import { isAlive, kill, LAB_MARK } from './processes.ts'
import { type RunOptions, run } from './run.ts'

/** How a daemon is set up; all of it is kept in its folder, so that a later process can go on with it. */
export interface DaemonOptions {
  readonly hostname: string
  readonly version: EngineVersion
  /** Whether it has a network of its own; else it shares the machine's. */
  readonly ownNetwork: boolean
  readonly args: readonly string[]
}

// A shell's `exec` keeps the pid, so that the process that Node started is the one that holds the namespaces.
// No registry can be reached from a lab: 127.0.0.1 lets the look-up of one fail at once, not after a DNS time-out.
const holderScript = `
  set -e
  hostname "$1"
  mount --bind "$2/run" /run
  resolv=$(readlink -m /etc/resolv.conf)
  mkdir -p "$(dirname "$resolv")"
  [ -e "$resolv" ] || : >"$resolv"
  mount --bind "$2/resolv.conf" "$resolv"
  echo ready
  exec sleep infinity >/dev/null`

/**
 * One dockerd in namespaces of its own: mounts and hostname always (so that /var/run/docker.sock inside means this engine, and all
 * mounts vanish with its processes), network where asked for. A holder process keeps the namespaces while dockerd is killed.
 */
export class Daemon {
  readonly dir: string
  readonly options: DaemonOptions

  constructor(dir: string, options?: DaemonOptions) {
    this.dir = dir
    const file = join(dir, 'daemon.json')
    if (options !== undefined) {
      mkdirSync(join(dir, 'run'), { recursive: true })
      mkdirSync(join(dir, 'client'), { recursive: true })
      writeFileSync(file, JSON.stringify(options))
    }
    this.options = options ?? JSON.parse(readFileSync(file, 'utf8'))
  }

  /** What DOCKER_HOST must be for this engine. */
  get host(): string {
    return `unix://${this.#socket}`
  }

  /** The pid of dockerd; 0 before its first start. */
  get pid(): number {
    return this.#readPid('dockerd')
  }

  /** The pid of the process that holds the namespaces. */
  get holder(): number {
    return this.#readPid('holder')
  }

  /** The file that dockerd and containerd log to. */
  get log(): string {
    return join(this.dir, 'dockerd.log')
  }

  /** Makes the namespaces; does nothing when they are there. */
  async hold(): Promise<void> {
    if (this.holder !== 0 && isAlive(this.holder)) return
    writeFileSync(join(this.dir, 'resolv.conf'), 'nameserver 127.0.0.1\n')
    const spaces = ['--uts', '--mount', ...(this.options.ownNetwork ? ['--net'] : [])]
    const script = ['sh', '-c', holderScript, 'sh', this.options.hostname, this.dir]
    const child = this.#spawn('unshare', [...spaces, '--', ...script], 'pipe')
    const ended = once(child, 'exit')
    const said = await Promise.race([once(child.stdout ?? child, 'data'), ended.then(() => undefined)])
    if (said === undefined)
      throw new Error(`cannot make the namespaces of ${this.options.hostname}: ${this.lastLines()}`)
    child.stdout?.destroy()
    this.#writePid('holder', child.pid)
  }

  /** Starts dockerd and waits until it answers. */
  async start(): Promise<void> {
    await this.hold()
    this.#removePidFiles()
    const path = `${await enginePath(this.options.version)}${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`
    const dockerd = which('dockerd', path) ?? 'dockerd'
    const folders = [
      '--data-root',
      join(this.dir, 'data'),
      '--exec-root',
      join(this.dir, 'exec'),
      '--pidfile',
      this.#pidFile,
    ]
    const spaces = ['--target', String(this.holder), '--uts', '--mount', ...(this.options.ownNetwork ? ['--net'] : [])]
    const args = [...folders, '--host', 'unix:///run/docker.sock', ...this.options.args]
    const child = this.#spawn('nsenter', [...spaces, '--', dockerd, ...args], 'log', path)
    this.#writePid('dockerd', child.pid)
    await this.#waitUntilReady(child)
  }

  /** Sends a signal to dockerd and waits until it is gone; its containers live on after SIGKILL, as they do on a real node. */
  async end(signal: NodeJS.Signals): Promise<void> {
    const { pid } = this
    if (pid === 0) return
    kill(pid, signal)
    for (let tries = 0; isAlive(pid); tries++) {
      if (tries === 1200)
        throw new Error(`cannot end dockerd ${pid} of ${this.options.hostname} by ${signal}: it is alive after 60 s`)
      await delay(50)
    }
  }

  /** Runs the docker client against this engine and answers its stdout. */
  async docker(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return run('docker', ['--host', this.host, ...args], { ...options, env: { ...this.#clientEnv, ...options.env } })
  }

  /** The end of the daemon's log, for messages about what went wrong, without what every engine of a lab says all the time. */
  lastLines(count = 15): string {
    const lines = existsSync(this.log) ? readFileSync(this.log, 'utf8').trimEnd().split('\n') : []
    const telling = lines.filter((line) => !/net\.ipv4\.vs\.|\[resolver\] failed/.test(line))
    return [`the end of ${this.log}:`, ...telling.slice(-count)].join('\n')
  }

  get #socket(): string {
    return join(this.dir, 'run/docker.sock')
  }

  get #pidFile(): string {
    return join(this.dir, 'docker.pid')
  }

  /** The user's own contexts and credential helpers are none of the lab's. */
  get #clientEnv(): RunOptions['env'] {
    return { DOCKER_CONFIG: join(this.dir, 'client'), DOCKER_CONTEXT: undefined, DOCKER_TLS_VERIFY: undefined }
  }

  async #waitUntilReady(child: ChildProcess): Promise<void> {
    for (let tries = 0; tries < 1200; tries++) {
      if (child.exitCode !== null || child.signalCode !== null) break
      if (await answers(this.#socket)) return
      await delay(50)
    }
    throw new Error(`cannot start dockerd ${this.options.version} as ${this.options.hostname}: ${this.lastLines()}`)
  }

  /** After SIGKILL these files name processes that are gone, or zombies, and the next dockerd would wait for them. */
  #removePidFiles(): void {
    const containerd = join(this.dir, 'exec/containerd')
    for (const name of ['containerd.pid', 'containerd.sock', 'containerd.sock.ttrpc'])
      rmSync(join(containerd, name), { force: true })
    rmSync(this.#pidFile, { force: true })
    rmSync(this.#socket, { force: true })
  }

  #spawn(command: string, args: readonly string[], stdout: 'pipe' | 'log', path = process.env.PATH): ChildProcess {
    // <place>/node1 is a daemon's folder: the mark names the place, which is what is cleared as a whole.
    const env = { ...process.env, PATH: path, [LAB_MARK]: dirname(this.dir) }
    appendFileSync(this.log, `--- ${basename(command)} ${new Date().toISOString()}\n`)
    const log = openSync(this.log, 'a')
    const child = spawn(command, [...args], {
      detached: true,
      cwd: '/',
      env,
      stdio: ['ignore', stdout === 'pipe' ? 'pipe' : log, log],
    })
    closeSync(log)
    child.unref()
    return child
  }

  #readPid(name: string): number {
    const file = join(this.dir, `${name}.pid`)
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0
  }

  #writePid(name: string, pid: number | undefined): void {
    writeFileSync(join(this.dir, `${name}.pid`), String(pid ?? 0))
  }
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: 2000 }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.on('error', () => resolve(false))
    ping.on('timeout', () => ping.destroy())
    ping.end()
  })
}
