import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Outcome } from './rig/drive.ts'
import { injectOnSwarm } from './rig/swarm-drive.ts'
import { SwarmStage } from './rig/swarm-stage.ts'
import { tableHead, tableRow } from './rig/table.ts'
import { SWARM } from './swarm.ts'

// The short form; the rest is left to `npm run faults -- --swarm`, or to SWARMLOGS_LONG_FAULTS=1.
const isLong = process.env.SWARMLOGS_LONG_FAULTS === '1'
const CHOSEN = SWARM.filter(({ isShort }) => isShort || isLong)

let stage: SwarmStage
const outcomes: Outcome[] = []
beforeAll(async () => {
  stage = await SwarmStage.open(isLong)
}, 300_000)
afterAll(async () => {
  await stage?.close()
  process.stdout.write(`${[tableHead(), ...outcomes.map(tableRow)].join('\n')}\n`)
}, 120_000)

// Done one after the other; but while one is compared, the next one is prepared.
it.concurrent.each(CHOSEN.map((fault) => [fault.name, fault.title, fault] as const))(
  '%s: %s',
  { timeout: 900_000 },
  async (...row) => {
    const outcome = await injectOnSwarm(row[2], stage)
    outcomes.push(outcome)
    expect(outcome.problem).toBe('')
  },
)
