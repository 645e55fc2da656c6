import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Printed, PrintedSide } from '../../lab/account.ts'
import { BUSYBOX_IMAGE } from '../../lab/busybox.ts'
import { eventually } from '../../lab/program.ts'
import { heldIn, timesIn } from './printers.ts'
import type { SwarmStage } from './swarm-stage.ts'

/** How a service prints. */
export interface ServiceOptions {
  /** How many tasks; without it, one on every node. */
  readonly replicas?: number
  /** A task ends by itself, with this code, after so many lines of each source. */
  readonly lines?: number
  readonly exitCode?: number
  /** Further flags of `docker service create`. */
  readonly flags?: readonly string[]
}

/** A service whose tasks print numbered lines to both sources, and what they printed. */
export class ServicePrinter {
  readonly name: string
  readonly #stage: SwarmStage
  /** Mounted into every task: `stop` tells all to be silent, `TASK` has the time of each line of a source. */
  readonly #dir: string

  constructor(stage: SwarmStage, name: string) {
    this.#stage = stage
    this.name = name
    this.#dir = stage.folder(`ledger-${name}`)
  }

  /** Creates the service. */
  async start(options: ServiceOptions = {}): Promise<void> {
    const { replicas, flags = [] } = options
    const mode = replicas === undefined ? ['--mode', 'global'] : ['--replicas', String(replicas)]
    await this.#stage.docker([
      ...['service', 'create', '--detach', '--name', this.name, '--network', 'host', ...mode],
      ...['--env', 'TASK={{.Task.Name}}', '--mount', `type=bind,source=${this.#dir},target=/ledger`],
      ...['--restart-delay', '0s', ...flags, BUSYBOX_IMAGE, 'sh', '-c', script(options)],
    ])
  }

  /** Has all tasks be silent, and waits until they are. */
  async stop(): Promise<void> {
    writeFileSync(join(this.#dir, 'stop'), '')
    await eventually(`the silence of ${this.name}`, 60_000, async () => {
      const running = await this.running()
      return running.every((task) => existsSync(join(this.#dir, `${task}.done`)))
    })
  }

  /** Names of the tasks that should run. */
  async running(): Promise<string[]> {
    const format = ['--no-trunc', '--filter', 'desired-state=running', '--format', '{{.Name}}.{{.ID}}']
    return (await this.#stage.docker(['service', 'ps', ...format, this.name])).split('\n').filter(Boolean)
  }

  /** Names of all tasks that ever printed. */
  get tasks(): string[] {
    return readdirSync(this.#dir).filter((name) => name.startsWith(this.name) && !name.endsWith('.done'))
  }

  /** What a task printed; where it was killed between two lines, the last ones may not be counted. */
  printed(task: string): Printed {
    // The last one may be cut off.
    const times = timesIn(readFileSync(join(this.#dir, task), 'utf8').replace(/.*$/, ''))
    const side = (source: string): PrintedSide => ({ lines: times.map((_, i) => `${task} ${source} ${i}`), times })
    return { stdout: side('stdout'), stderr: side('stderr') }
  }

  /** What Docker holds of the tasks on a node, for those whose last lines never reached it. */
  held(node: number): Map<string, Printed> {
    const folder = join(this.#stage.swarm.daemon(node).dir, 'data/containers')
    const held = new Map<string, Printed>()
    for (const id of readdirSync(folder)) {
      const path = join(folder, id, `${id}-json.log`)
      const log = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
      const [task] = /[^"]+(?= std(?:out|err) )/.exec(log[0] ?? '') ?? []
      if (task?.startsWith(`${this.name}.`)) held.set(task, heldIn(log))
    }
    return held
  }

  async remove(): Promise<void> {
    await this.#stage.docker(['service', 'rm', this.name])
  }
}

function script({ lines: most = 1_000_000_000, exitCode = 0 }: ServiceOptions): string {
  const both = `t=$EPOCHREALTIME; echo "$TASK stdout $i"; echo "$TASK stderr $i" >&2; i=$((i + 1)); echo $t >>/ledger/$TASK;`
  return `trap 'end=1' TERM; end=; i=0
    while [ -z "$end" ] && [ ! -e /ledger/stop ]; do
      [ $i -lt ${most} ] || exit ${exitCode}
      ${both} [ $((i % 5)) -eq 0 ] && usleep 100000
    done
    : >/ledger/$TASK.done
    while [ -z "$end" ]; do usleep 50000; done`
}
