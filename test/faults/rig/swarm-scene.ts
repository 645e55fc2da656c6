import type { ApiCount } from '../../../shared/api/answers.ts'
import type { ApiCompleteness } from '../../../shared/api/completeness.ts'
import { type Account, account, type Printed, type PrintedSide } from '../../lab/account.ts'
import { eventually } from '../../lab/program.ts'
import { Answers, type Ask } from './answers.ts'
import { memoryMb } from './memory.ts'
import { isWhole, Recovery } from './recovery.ts'
import { nanoseconds, type Stored, storedOf } from './stored.ts'
import { type ServiceOptions, ServicePrinter } from './swarm-printers.ts'
import type { SwarmStage } from './swarm-stage.ts'

/** The longest until an answer is complete after a fault: a node that was away may wait for its tasks to be started again. */
const COMPLETE_MS = 180_000
/** Machines of a whole Swarm on this one are slow. */
const BEHIND_MS = 10_000

/** What of a fault matters for how a scene ends. */
export interface SettleOptions {
  /** Lines are lost by its nature, if gaps tell of all of them. */
  readonly mayLose?: boolean
  /** All tasks are over with it: no line is printed after it. */
  readonly endsPrinting?: boolean
}

/** One service that prints on a Swarm, and what the server answers about it. */
export class SwarmScene {
  readonly stage: SwarmStage
  readonly printer: ServicePrinter
  /** What the server says is complete. */
  readonly answers: Answers
  #recovery: Recovery | undefined
  /** What is asked for begins with the service: what was done to the Swarm before, to prepare it, is no matter. */
  #since = new Date().toISOString()
  /** A node whose dockerd was killed: only what it holds can be stored. */
  killed: number | undefined
  /** The id of a node that left with its last lines: it is missed for ever. */
  left: string | undefined

  constructor(stage: SwarmStage, name: string) {
    this.stage = stage
    this.printer = new ServicePrinter(stage, name.toLowerCase())
    this.answers = new Answers((since, until) => this.#ask(since, until), BEHIND_MS)
  }

  /** Starts the service; resolves when lines of so many tasks arrive. */
  async begin(options: ServiceOptions = {}, tasks = options.replicas ?? this.stage.swarm.nodes): Promise<void> {
    this.#since = new Date().toISOString()
    await this.printer.start(options)
    await eventually(`lines of ${tasks} tasks`, COMPLETE_MS, async () => (await this.#stored())?.tasks.size === tasks)
  }

  /** Waits until each task that runs now has so many more lines in the store. */
  async flow(more = 50): Promise<void> {
    const before = (await this.#stored())?.tasks
    await eventually(`${more} lines more of each task`, COMPLETE_MS, async () => {
      const tasks = (await this.#stored())?.tasks
      const running = await this.printer.running()
      return running.every((task) => (tasks?.get(task) ?? 0) >= (before?.get(task) ?? 0) + more)
    })
  }

  /** Waits until answers about the service have that verdict, and that is said of a node, which can be named by its id. */
  async verdict(wanted: ApiCompleteness['verdict'], node?: number | string): Promise<void> {
    const id = typeof node === 'number' ? await this.stage.nodeId(node) : node
    await this.#answer(`the verdict ${wanted}`, ({ verdict, nodes }) => {
      return verdict === wanted && (id === undefined || nodes.some((late) => late.id === id))
    })
  }

  /** The fault ends: from now on it is measured how long it takes until all is well again. */
  over(): void {
    void this.#recovery?.stop()
    this.#recovery = this.#recover()
  }

  /** Has the service be silent, waits until the server says that it has all, and holds what it has against what was printed. */
  async settle({
    mayLose = false,
    endsPrinting,
  }: SettleOptions): Promise<{ accounts: Account[]; recovery: Recovery; problem: string }> {
    const recovery = this.#recovery ?? this.#recover()
    await recovery.end(COMPLETE_MS, endsPrinting)
    await this.printer.stop()
    const until = new Date().toISOString()
    const isOver = (said: ApiCompleteness) => said.verdict === 'complete' || (mayLose && isWhole(said, this.left))
    await this.#answer('a complete answer', isOver, until)
    await this.answers.stop()
    const stored = await storedOf(this.stage.url, this.#question(until), this.stage.headers)
    const held = this.killed === undefined ? undefined : this.printer.held(this.killed)
    const accounts = this.printer.tasks.map((task) => this.#account(task, stored, held?.get(task)))
    const strange = stored.lines.filter(({ task }) => !this.printer.tasks.includes(task)).length
    if (strange > 0) throw new Error(`${strange} lines are of tasks that never printed`)
    const times = stored.lines.map(({ time }) => time)
    const missed = accounts.flatMap((one) => one.missed)
    return { accounts, recovery, problem: recovery.problem || this.answers.problem(times, missed) }
  }

  /** The most memory that an agent, and the server, ever had: those that run now. */
  async memory(): Promise<{ agentMb: number; serverMb: number }> {
    const { swarm } = this.stage
    const most = { agentMb: 0, serverMb: 0 }
    for (let node = 1; node <= swarm.nodes; node++) {
      const ids = await swarm.docker(node, ['ps', '--quiet', '--filter', 'name=swarmlogs_(agent|server)'])
      if (ids === '') continue
      const format = ['inspect', '--format', '{{.State.Pid}} {{.Name}}', ...ids.trim().split('\n')]
      for (const line of (await swarm.docker(node, format)).trim().split('\n')) {
        const [pid, name] = line.split(' ')
        const key = name?.includes('_server') ? 'serverMb' : 'agentMb'
        most[key] = Math.max(most[key], memoryMb(Number(pid), 'VmHWM'))
      }
    }
    return most
  }

  #account(task: string, stored: Stored, held: Printed | undefined): Account {
    const lines = stored.lines.filter((line) => line.task === task)
    const gaps = stored.gaps.filter((gap) => gap.task === task)
    const { stdout, stderr } = held ?? this.printer.printed(task)
    // What it printed when it was killed may not have been counted.
    const last = (side: PrintedSide, source: string): PrintedSide => {
      const next = `${task} ${source} ${side.lines.length}`
      const known = lines.find(({ message }) => message === next)
      return known ? { lines: [...side.lines, next], times: [...side.times, known.time] } : side
    }
    const printed = { stdout: last(stdout, 'stdout'), stderr: last(stderr, 'stderr') }
    return account(printed, { lines, gaps }, nanoseconds(this.#since))
  }

  #recover(): Recovery {
    const ask: Ask = (since, until) => this.#ask(since, until)
    return new Recovery(ask, this.answers.began, () => this.left)
  }

  async #ask(since: number, until: number): Promise<ApiCount | undefined> {
    const range = [since, until].map((time) => new Date(time).toISOString())
    const query = `service=${this.printer.name}&since=${range[0]}&until=${range[1]}`
    const options = { headers: this.stage.headers, signal: AbortSignal.timeout(10_000) }
    const answer = await fetch(`${this.stage.url}/api/v1/count?${query}`, options).catch(() => undefined)
    return answer?.ok ? ((await answer.json()) as ApiCount) : undefined
  }

  #question(until?: string): string {
    const end = until === undefined ? '' : `&until=${until}`
    return `service=${this.printer.name}&since=${this.#since}${end}`
  }

  /** How many lines of each task are stored; undefined while the server does not answer. */
  async #stored(): Promise<{ tasks: ReadonlyMap<string, number> } | undefined> {
    const stored = await storedOf(this.stage.url, this.#question(), this.stage.headers).catch(() => undefined)
    if (stored === undefined) return undefined
    const tasks = new Map<string, number>()
    for (const { task } of stored.lines) tasks.set(task, (tasks.get(task) ?? 0) + 1)
    return { tasks }
  }

  async #answer(what: string, holds: (told: ApiCompleteness) => boolean, until?: string): Promise<void> {
    let said = 'it does not answer'
    const check = async () => {
      const options = { headers: this.stage.headers, signal: AbortSignal.timeout(10_000) }
      const url = `${this.stage.url}/api/v1/search?${this.#question(until)}&limit=1`
      const answer = await fetch(url, options).catch(() => undefined)
      if (!answer?.ok) return false
      const { completeness } = (await answer.json()) as { completeness: ApiCompleteness }
      said = JSON.stringify(completeness)
      return holds(completeness)
    }
    await eventually(what, COMPLETE_MS, check, async () => `(${said})\n${await this.stage.swarm.report()}`)
  }
}
