import type { Account } from '../../lab/account.ts'
import { NOTHING, type Outcome, problemOf, sum } from './drive.ts'
import type { Recovery } from './recovery.ts'
import type { ServiceOptions } from './swarm-printers.ts'
import { type SettleOptions, SwarmScene } from './swarm-scene.ts'
import type { SwarmStage } from './swarm-stage.ts'

/** A fault of a Swarm. When `run` is over all nodes are there again; what it began may still be going on. */
export interface SwarmFault extends SettleOptions {
  readonly name: string
  readonly title: string
  readonly isShort: boolean
  /** What prints when `run` begins: by default a task on every node; `later`: nothing does. */
  readonly service?: ServiceOptions | 'later'
  run(scene: SwarmScene): Promise<void>
  /** Makes the Swarm again what it was, when all is compared. */
  undo?(stage: SwarmStage): Promise<void>
}

/** Does one fault to a Swarm, in its turn, and holds what is stored against what was printed. Never throws: what went wrong is the problem. */
export async function injectOnSwarm(fault: SwarmFault, stage: SwarmStage): Promise<Outcome> {
  const turn = await stage.turns.take()
  const started = performance.now()
  const { name, title } = fault
  const scene = new SwarmScene(stage, name)
  const done = async (accounts: readonly Account[], problem: string, recovery?: Recovery): Promise<Outcome> => ({
    ...{ name, title, ...(accounts.length > 0 ? sum(accounts) : NOTHING), problem, answers: scene.answers.count },
    ...{ freshSeconds: recovery?.freshSeconds, wholeSeconds: recovery?.wholeSeconds },
    ...(await scene.memory().catch(() => ({ agentMb: 0, serverMb: 0 }))),
    seconds: (performance.now() - started) / 1000,
  })
  try {
    await stage.calm()
    if (fault.service !== 'later') await scene.begin(fault.service)
    await turn.alone()
    await fault.run(scene)
    if (fault.undo === undefined) turn.end()
    const { accounts, recovery, problem } = await scene.settle(fault)
    return await done(accounts, problemOf(accounts, fault) || problem, recovery)
  } catch (error) {
    return done([], error instanceof Error ? error.message : String(error))
  } finally {
    await scene.answers.stop()
    await scene.printer.remove().catch(() => {})
    await stage.mend().catch(() => {})
    await fault.undo?.(stage)
    turn.end()
    turn.settle()
  }
}
