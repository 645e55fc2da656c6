// Injects one fault after another and holds the stored lines against the printed ones.
// Usage: run.ts [--long] [--seed N] [--swarm] [--only A1,N4] [--soak MINUTES]
import { parseArgs } from 'node:util'
import { SOAK_ENGINE, soak } from './matrix/soak.ts'
import { MATRIX } from './matrix.ts'
import { inject, type Outcome } from './rig/drive.ts'
import { openStage } from './rig/stage.ts'
import { injectOnSwarm } from './rig/swarm-drive.ts'
import { SwarmStage } from './rig/swarm-stage.ts'
import { tableHead, tableRow } from './rig/table.ts'
import { SWARM } from './swarm.ts'

/** One fault, ready to be done. */
type Play = () => Promise<Outcome>

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    seed: { type: 'string' },
    swarm: { type: 'boolean', default: false },
    only: { type: 'string' },
    soak: { type: 'string' },
  },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
process.stdout.write(values.swarm ? '' : `seed ${seed}\n\n`)

const { plays, close } = values.swarm ? await onSwarm() : await onEngine()
// Engines and containers would outlive this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => void close().finally(() => process.exit(130)))
try {
  process.stdout.write(`${tableHead()}\n`)
  for (const play of plays) await tell(play)
} finally {
  await close()
}

async function tell(play: Play): Promise<void> {
  const outcome = await play()
  process.stdout.write(`${tableRow(outcome)}\n`)
  if (outcome.problem === '') return
  process.stderr.write(`${outcome.name}: ${outcome.problem}\n`)
  process.exitCode = 1
}

async function onEngine(): Promise<{ plays: Play[]; close: () => Promise<void> }> {
  const faults = values.soak === undefined ? chosen(MATRIX) : [soak(Number(values.soak))]
  const stage = await openStage(seed, values.long, values.soak === undefined ? [] : SOAK_ENGINE)
  return { plays: faults.map((fault) => () => inject(fault, stage)), close: () => stage.close() }
}

async function onSwarm(): Promise<{ plays: Play[]; close: () => Promise<void> }> {
  const faults = chosen(SWARM)
  const stage = await SwarmStage.open(values.long)
  return { plays: faults.map((fault) => () => injectOnSwarm(fault, stage)), close: () => stage.close() }
}

function chosen<Fault extends { readonly name: string }>(faults: readonly Fault[]): readonly Fault[] {
  const names = values.only?.split(',')
  const found = faults.filter(({ name }) => names?.includes(name) ?? true)
  if (found.length > 0) return found
  throw new Error(`cannot inject ${values.only}: known are ${faults.map(({ name }) => name).join(', ')}`)
}
