import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../../lab/account.ts'
import { Scene, type Stage } from './scene.ts'

/** A fault: what is done to a scene. When `run` is over, agent and server run and the network is calm again. */
export interface Fault {
  /** A1, N4, ...: as the table in the README names it. */
  readonly name: string
  readonly title: string
  /** Part of the short form. */
  readonly isShort: boolean
  /** It holds the server to a time: no other fault may be done beside it. */
  readonly isAlone?: boolean
  /** Lines are lost by its nature, if gaps tell of all of them. */
  readonly mayLose?: boolean
  run(scene: Scene): Promise<void>
  /** What else is wrong when all is over; '' when nothing is. */
  check?(scene: Scene): string
}

/** What came of a fault. */
export interface Outcome extends Sums {
  readonly name: string
  readonly title: string
  readonly agentMb: number
  readonly serverMb: number
  /** Answers that were said to be complete during the fault, and were. */
  readonly answers: number
  /** From the end of the fault until a line is stored that was printed after it, and until all is that was printed before; absent: never. */
  readonly freshSeconds?: number | undefined
  readonly wholeSeconds?: number | undefined
  readonly seconds: number
  /** What is wrong; '' when nothing is. */
  readonly problem: string
}

/** Does one fault to a scene of its own, and holds what is stored against what was printed. Never throws: what went wrong is the problem. */
export async function inject(fault: Fault, stage: Stage): Promise<Outcome> {
  const started = performance.now()
  const dir = await mkdtemp(join(stage.dir, 'scene-'))
  const scene = await Scene.open(stage, dir, fault.name)
  const { name, title } = fault
  const ending = () => ({
    ...{ agentMb: scene.memory.agent.mb, serverMb: scene.memory.server.mb },
    answers: scene.answers.count,
    seconds: (performance.now() - started) / 1000,
  })
  try {
    await fault.run(scene)
    const { accounts, recovery, problem: untrue } = await scene.settle(fault.mayLose === true)
    const problem = problemOf(accounts, fault) || untrue || (fault.check?.(scene) ?? '')
    const { freshSeconds, wholeSeconds } = recovery
    return { name, title, ...sum(accounts), freshSeconds, wholeSeconds, problem, ...ending() }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    return { name, title, ...NOTHING, problem, ...ending() }
  } finally {
    await scene.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** What all containers together came to. */
export type Sums = Omit<Account, 'example' | 'missed'>

/** Nothing was compared. */
export const NOTHING: Sums = {
  ...{ printed: 0, missing: 0, doubled: 0, disordered: 0, strange: 0 },
  ...{ gaps: 0, untold: 0, wrongGaps: 0, wideGaps: 0, doubts: 0 },
}

/** Adds up what came of each container. */
export function sum(accounts: readonly Account[]): Sums {
  const total = { ...NOTHING }
  for (const one of accounts)
    for (const key of Object.keys(NOTHING) as (keyof Sums)[]) Object.assign(total, { [key]: total[key] + one[key] })
  return total
}

/** What is wrong with it; '' when nothing is. */
export function problemOf(accounts: readonly Account[], may: Pick<Fault, 'mayLose'>): string {
  const all = sum(accounts)
  // Where lines may be lost, missing ones are no example of what is wrong.
  const examples = accounts.map((one) => one.example).filter(Boolean)
  const example = examples.find((one) => !one.startsWith('missing')) ?? examples[0] ?? ''
  const found = Object.entries({
    missing: may.mayLose ? 0 : all.missing,
    doubled: all.doubled,
    disordered: all.disordered,
    'not printed': all.strange,
    'missing and in no gap': all.untold,
    'wrong gaps': all.wrongGaps,
    'gaps too wide': all.wideGaps,
    'nothing printed': all.printed === 0 ? 1 : 0,
  }).filter(([, count]) => count > 0)
  return found.length === 0 ? '' : `${found.map(([what, count]) => `${count} ${what}`).join(', ')} (${example})`
}
