import { join } from 'node:path'
import { importBusybox } from './busybox.ts'
import { Daemon } from './daemon.ts'
import type { EngineVersion } from './debian-engine.ts'
import { ensureDocker } from './install.ts'
import { claimPlace, clearPlace } from './place.ts'
import type { RunOptions } from './run.ts'

/** A real Docker engine of a test's own, without a network; it holds the image `lab/busybox:1`. */
export interface Engine {
  /** What DOCKER_HOST must be: `unix:///...`. */
  readonly host: string
  /** The pid of its dockerd; another one after each start. */
  readonly pid: number
  /** Runs the docker client and answers its stdout; throws with its stderr when it fails. Containers need `--network none`. */
  docker(args: readonly string[], options?: RunOptions): Promise<string>
  /** Sends SIGKILL to dockerd; its containers live on. */
  kill(): Promise<void>
  /** Starts dockerd again after `kill`. */
  start(): Promise<void>
  /** Ends everything and removes what was made. */
  stop(): Promise<void>
}

/** Which engine to start: its version (default '20'), its hostname (default 'engine'), further dockerd flags. */
export interface EngineOptions {
  readonly version?: EngineVersion
  readonly name?: string
  readonly args?: readonly string[]
}

/** Starts an engine in a folder of its own; installs Docker first when it is missing. */
export async function startEngine(options: EngineOptions = {}): Promise<Engine> {
  await ensureDocker()
  const place = await claimPlace()
  const daemon = new Daemon(join(place.dir, 'node1'), {
    hostname: options.name ?? 'engine',
    version: options.version ?? '20',
    ownNetwork: false,
    args: ['--bridge', 'none', '--iptables=false', ...(options.args ?? [])],
  })
  try {
    await daemon.start()
    await importBusybox([daemon])
  } catch (error) {
    await clearPlace(place)
    throw error
  }
  return {
    host: daemon.host,
    get pid() {
      return daemon.pid
    },
    docker: (args, runOptions) => daemon.docker(args, runOptions),
    kill: () => daemon.end('SIGKILL'),
    start: () => daemon.start(),
    stop: () => clearPlace(place),
  }
}
