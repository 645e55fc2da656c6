import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import type { ApiCount } from '../../../shared/api/answers.ts'
import type { ApiCompleteness } from '../../../shared/api/completeness.ts'
import { type Account, account } from '../../lab/account.ts'
import type { Engine } from '../../lab/engine.ts'
import { eventually, type Program, startProgram } from '../../lab/program.ts'
import { Answers } from './answers.ts'
import { Memory } from './memory.ts'
import { Network } from './network.ts'
import { type PrinterOptions, Printers } from './printers.ts'
import { Random } from './random.ts'
import { isWhole, Recovery } from './recovery.ts'
import { storedOf } from './stored.ts'

/** What all scenes of a driver share. */
export interface Stage {
  readonly engine: Engine
  /** The folder of all that is written; it goes with the stage. */
  readonly dir: string
  readonly seed: number
  readonly isLong: boolean
  /** Ports of this machine that nobody else uses. */
  readonly ports: { readonly http: number; readonly forward: number }
}

/** How a server or an agent is started, where that is not as usual. */
export interface StartOptions {
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** A command that executes the rest of its line. */
  readonly within?: readonly string[]
}

/** The longest time that everything may take to arrive after the fault is over. */
const ARRIVAL_MS = 120_000
/** The longest time that an answer may take. */
const ANSWER_MS = 5_000
const NODE = 'faults'

/** One server, one agent, a network of ours between them, and containers: what a fault is done to. */
export class Scene {
  readonly stage: Stage
  readonly dir: string
  readonly random: Random
  readonly printers: Printers
  readonly network: Network
  /** What the server says is complete. */
  readonly answers: Answers
  readonly memory: { readonly agent: Memory; readonly server: Memory }
  /** An older copy of the store was put in its place; any other store the agent must not take for one. */
  isStoreOlder = false
  readonly #later: (() => Promise<void>)[] = []
  #recovery: Recovery
  #server: Program | undefined
  #agent: Program | undefined

  private constructor(stage: Stage, dir: string, random: Random, network: Network) {
    this.stage = stage
    this.dir = dir
    this.random = random
    this.network = network
    network.onClear = () => this.over()
    mkdirSync(join(dir, 'ledger'), { recursive: true })
    this.printers = new Printers(stage.engine, join(dir, 'ledger'))
    this.answers = new Answers((since, until) => this.#ask(since, until))
    this.#recovery = this.#recover()
    this.memory = { agent: new Memory(() => this.#agent), server: new Memory(() => this.#server) }
  }

  /** Sets one up in a folder of its own; nothing runs yet. Its random numbers are those of its name, whatever else is played. */
  static async open(stage: Stage, dir: string, name: string): Promise<Scene> {
    return new Scene(stage, dir, new Random(crc32(`${stage.seed} ${name}`)), await Network.start(stage.ports.forward))
  }

  get server(): Program {
    if (this.#server === undefined) throw new Error('BUG: no server was started')
    return this.#server
  }

  get agent(): Program {
    if (this.#agent === undefined) throw new Error('BUG: no agent was started')
    return this.#agent
  }

  get url(): string {
    return `http://127.0.0.1:${this.stage.ports.http}`
  }

  /** Where the server keeps its store, and the agent its spool. */
  get dataDir(): string {
    return join(this.dir, 'data')
  }
  get stateDir(): string {
    return join(this.dir, 'state')
  }

  /** How often or how long: in the short form and in the long one. */
  times(short: number, long: number): number {
    return this.stage.isLong ? long : short
  }

  /** Waits for a random time. */
  async pause(lowMs: number, highMs: number): Promise<void> {
    await delay(this.random.between(lowMs, highMs))
  }

  async startServer({ flags = [], env = {}, within }: StartOptions = {}): Promise<void> {
    this.over()
    const { http, forward } = this.stage.ports
    const where = ['--listen', `127.0.0.1:${http}`, '--forward', `127.0.0.1:${forward}`, '--data', this.dataDir]
    this.#server = await startProgram(['server', ...where, '--insecure', ...flags], env, within)
  }

  async startAgent({ flags = [], env = {}, within }: StartOptions = {}): Promise<void> {
    this.over()
    const where = ['--docker', this.stage.engine.host, '--server', this.network.address, '--state', this.stateDir]
    const rest = ['--stop-grace', '20s', '--insecure', ...flags]
    this.#agent = await startProgram(['agent', ...where, ...rest], { SWARMLOGS_NODE_NAME: NODE, ...env }, within)
  }

  /** Server, agent and so many containers that print without end; resolves when lines arrive. */
  async begin(containers = 3, options: PrinterOptions = {}): Promise<void> {
    await this.startServer()
    await this.startAgent()
    await this.print(containers, options)
    await this.arrival(100)
  }

  /** Starts so many containers more; in the short form, of which several are played at once, they are half as fast when nothing else is said. */
  async print(containers: number, options: PrinterOptions = {}): Promise<void> {
    const first = this.printers.names.length
    const paced = { pauseMs: this.times(40, 20), ...options }
    for (let i = first; i < first + containers; i++) await this.printers.start(`printer${i}`, paced)
  }

  /** Starts one more container, which prints so many lines of each source, about 200 a second, and is removed at its end. Answers its name. */
  async printBriefly(lines: number): Promise<string> {
    const name = `printer${this.printers.names.length}`
    await this.printers.start(name, { lines, burst: 10, pauseMs: 50, flags: ['--rm'] })
    return name
  }

  /** Waits until so many more lines are stored. */
  async arrival(more: number): Promise<void> {
    const before = await this.count()
    await eventually(`${more} lines more`, ARRIVAL_MS, async () => (await this.count()) >= before + more)
  }

  /** How many lines are stored, of one container or of all; 0 while the server cannot be asked. */
  async count(container = ''): Promise<number> {
    const answer = await fetch(`${this.url}/api/v1/count?since=1d${container && `&container=${container}`}`).catch(
      () => undefined,
    )
    return answer?.ok ? ((await answer.json()) as { records: number }).records : 0
  }

  /** The fault ends, as far as is known yet: from now on it is measured how long it takes until all is well again. */
  over(): void {
    void this.#recovery.stop()
    this.#recovery = this.#recover()
  }

  /** Ends the printers and waits until all that they printed is stored; answers the accounts, how long all took to be well after the fault, and what the server said that is not true. */
  async settle(mayLose: boolean): Promise<{ accounts: Account[]; recovery: Recovery; problem: string }> {
    const recovery = this.#recovery
    await eventually('a line from after the fault', ARRIVAL_MS, async () => recovery.freshSeconds !== undefined)
    await this.printers.stop()
    const ended = Date.now()
    if (!mayLose) await this.#arrived(await this.#countPrinted())
    const said = await this.#said(ended)
    await recovery.end(ARRIVAL_MS)
    // What it still had to say, a line twice or a gap, comes before its end.
    const code = await this.agent.end('SIGTERM')
    if (code !== 0) throw new Error(`the agent ended with ${code}: ${this.agent.stderr().slice(-1000)}`)
    if (this.agent.stderr().includes('it is an older copy') !== this.isStoreOlder)
      throw new Error(`the agent took the store for ${this.isStoreOlder ? 'what it was' : 'an older copy'}`)
    await this.answers.stop()
    const times: bigint[] = []
    const accounts: Account[] = []
    // One after the other: a soak prints millions of lines.
    for (const name of this.printers.names) {
      const stored = await storedOf(this.url, `since=1d&container=${name}`)
      for (const { time } of stored.lines) times.push(time)
      accounts.push(account(await this.printers.printed(name), stored, this.printers.born(name)))
    }
    const missed = accounts.flatMap((one) => one.missed)
    const hasAll = accounts.every(({ missing, gaps }) => missing + gaps === 0)
    const wrong = hasAll === (said?.verdict === 'complete') ? '' : `in the end it says ${JSON.stringify(said)}`
    const problem = recovery.problem || this.answers.problem(times, missed) || wrong
    return { accounts, recovery, problem }
  }

  /** Has something be done when all programs have ended. */
  cleanUp(work: () => Promise<void>): void {
    this.#later.push(work)
  }

  /** Ends all that runs. */
  async close(): Promise<void> {
    for (const memory of Object.values(this.memory)) memory.stop()
    await this.answers.stop()
    await this.#recovery.stop()
    for (const program of [this.#agent, this.#server]) await program?.end('SIGKILL')
    this.network.stop()
    for (const work of this.#later) await work()
    await this.printers.remove()
  }

  #recover(): Recovery {
    return new Recovery((since, until) => this.#ask(since, until), this.answers.began)
  }

  async #ask(since: number, until: number): Promise<ApiCount | undefined> {
    const range = [since, until].map((time) => new Date(time).toISOString())
    const url = `${this.url}/api/v1/count?since=${range[0]}&until=${range[1]}&node=${NODE}`
    const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) }).catch(() => undefined)
    return answer?.ok ? ((await answer.json()) as ApiCount) : undefined
  }

  /** Waits until the server says that it has all up to a time, but for gaps; answers what it says at last. */
  async #said(until: number): Promise<ApiCompleteness | undefined> {
    let said: ApiCompleteness | undefined
    const isSaid = async () => {
      said = (await this.#ask(this.answers.began, until))?.completeness
      return said !== undefined && isWhole(said)
    }
    // The ledger tells more about why it never does.
    await eventually('a complete answer', ARRIVAL_MS, isSaid).catch(() => {})
    return said
  }

  async #countPrinted(): Promise<number> {
    let count = 0
    for (const name of this.printers.names) {
      const { stdout, stderr } = await this.printers.printed(name)
      count += stdout.lines.length + stderr.lines.length
    }
    return count
  }

  /** Waits until so many lines are stored. */
  async #arrived(wanted: number): Promise<void> {
    const deadline = performance.now() + ARRIVAL_MS
    while ((await this.count()) < wanted && performance.now() < deadline) await delay(100)
  }
}
